"""The states that are met when players who know every value play, and now and then play anything."""

import numpy as np
from jaxtyping import Int8, Int64

from forge_core.shards.plays import play
from forge_core.solver import state
from forge_core.solver.deal_rules import DealRules, deal_rules
from forge_core.solver.solved import SolvedDeal
from forge_core.solver.state import ILLEGAL, OPENING

_MOST_ROUNDS = 40
_FEWEST_NEW = 0.05


def played_states(table: SolvedDeal, n: int, rng: np.random.Generator, *, epsilon: float) -> Int64[np.ndarray, "m"]:
    """At most `n` different states met in games from the opening, ascending; the final ones are left out.

    At every play the mover chooses among its best slots, all alike, or with the chance `epsilon` among all legal ones.
    Rounds of games are played until there are enough states, or until a round finds hardly any new one.
    """
    rules = deal_rules(table.deal, table.declaration)
    met = np.empty(0, dtype=np.int64)
    games = max(32, n // 14)
    for _ in range(_MOST_ROUNDS):
        fresh = _play_games(table, rules, games=games, rng=rng, epsilon=epsilon)
        before, met = len(met), np.union1d(met, fresh)
        if len(met) >= n or len(met) - before < _FEWEST_NEW * fresh.size:
            break
    return met if len(met) <= n else np.sort(rng.choice(met, size=n, replace=False, shuffle=False))


def _play_games(
    table: SolvedDeal, rules: DealRules, *, games: int, rng: np.random.Generator, epsilon: float
) -> Int64[np.ndarray, "28 games"]:
    """The states met in each of some games, by plays made."""
    here = np.full(games, OPENING, dtype=np.int64)
    met = np.empty((28, games), dtype=np.int64)
    for made in range(28):
        met[made] = here
        different, index = np.unique(here, return_inverse=True)
        here = play(rules, here, _choose(table.q(different)[index], here, rng=rng, epsilon=epsilon)).states
    return met


def _choose(
    q: Int8[np.ndarray, "n 7"], states: Int64[np.ndarray, "n"], *, rng: np.random.Generator, epsilon: float
) -> Int64[np.ndarray, "n"]:
    legal = q != ILLEGAL
    sign = np.where(state.fields(states).mover % 2 == 0, 1, -1)
    for_mover = np.where(legal, q * sign[:, None], ILLEGAL)
    best = for_mover == for_mover.max(axis=1, keepdims=True)
    explores = rng.random(len(states)) < epsilon
    allowed = np.where(explores[:, None], legal, best)
    return np.where(allowed, rng.random(q.shape), -1).argmax(axis=1)
