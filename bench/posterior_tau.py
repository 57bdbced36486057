"""Which temperature the posterior's weights should have: `python bench/posterior_tau.py [--quick] [--json]`.

Games between exact E[Q] players; at some decisions the true deal is put among worlds drawn uniformly, and all are
weighted. The gain is the mean of log(weight of the truth / its uniform share), in nats: above 0 the weights know more
than uniform ones, below 0 they mislead.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from report import benchmark

from forge_core.expected_q.games import Game, play_games
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.posterior import ScoredPlay, posterior_weights, scored_plays
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings, PosteriorSettings
from forge_core.expected_q.worlds import Worlds
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_q

ORACLE = ExactOracle(search_q, SOLVER_VERSION)
N_WORLDS = 30
PLAYS = range(4, 20, 3)
TAUS = (1.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0)
WINDOWS = (4, 8)

Scored = list[tuple[int, ScoredPlay, np.ndarray]]
"""The scored plays of a decision: how many plays ago, the play, the actor's Q in the contested worlds."""


def decisions(game: Game, rng: np.random.Generator) -> Iterator[Scored]:
    """The scored plays at some decisions of a game; world 0 is the truth."""
    truth = np.array([game.deal.dominoes], np.uint8)
    for n_plays in PLAYS:
        record = Record.of(game.declaration, 0, game.plays[:n_plays])
        hand = sorted(set(game.deal.hands[record.mover]) - set(record.plays))
        info = InformationSet.of(record, record.mover, hand)
        deals = np.concatenate([truth, Worlds.of(info).draw(N_WORLDS, rng)])
        window = PosteriorSettings(window=max(WINDOWS))
        others = [i for i in range(n_plays - 1, -1, -1) if record.seats[i] != info.seat]
        scored: Scored = []
        for index, play in zip(others, scored_plays(info, deals, window), strict=False):
            declarations = np.full(len(play.states), game.declaration, np.uint8)
            scored.append((n_plays - index, play, ORACLE.q(deals[play.contested], declarations, play.states)))
        yield scored


def gain(scored: Scored, settings: PosteriorSettings) -> float:
    """Log of the truth's weight against its uniform share."""
    inside = [play.log_likelihood(q, settings) for ago, play, q in scored if ago <= settings.window]
    weights = posterior_weights(np.sum(inside, axis=0), settings, exact=True).weights
    return float(np.log(weights[0] * len(weights)))


def measure(*, quick: bool) -> dict[str, Any]:
    seeds = range(20_000, 20_010 if quick else 20_100)
    rng = np.random.default_rng(0)
    games = play_games(seeds, ORACLE, EqSettings(n_worlds=20, enumerate_up_to=20))
    seen = [scored for game in games for scored in decisions(game, rng)]
    found: dict[str, Any] = {"decisions": len(seen), "mix": PosteriorSettings().mix}
    for window in WINDOWS:
        for tau in TAUS:
            gains = [gain(scored, PosteriorSettings(window=window, tau=tau)) for scored in seen]
            error = float(np.std(gains) / np.sqrt(len(gains)))
            found[f"nats_window_{window}_tau_{tau:g}"] = f"{np.mean(gains):+.4f} ± {error:.4f}"
    return found


if __name__ == "__main__":
    benchmark("posterior_tau", measure, __doc__)
