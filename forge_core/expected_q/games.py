"""Whole games in which every seat plays by E[Q], and the lockstep that values many games' worlds in one call."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from forge_core.expected_q.choice import Choice, choose
from forge_core.expected_q.decision import OracleCoroutine, Valuation, evaluate, value_plays
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import AnyOracle, EvaluationRequest
from forge_core.expected_q.record import N_PLAYS, Record
from forge_core.expected_q.schema import COLUMNS
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.streams import Purpose, stream
from forge_core.expected_q.transcript import transcript
from forge_core.rules import Deal, deal_from_seed, team


@dataclass(frozen=True)
class Game:
    """A finished game.

    seed          of the deal and of every random stream
    deal          the four hands
    declaration   seed % 10
    plays         the 28 dominoes in the order of play
    columns       field -> array with 28 rows, as `schema.COLUMNS` says
    settings      that it was played with
    oracle        (name, digest) of the oracle
    """

    seed: int
    deal: Deal
    declaration: int
    plays: tuple[int, ...]
    columns: dict[str, np.ndarray]
    settings: EqSettings
    oracle: tuple[str, str]


def play_game(seed: int, oracle: AnyOracle, settings: EqSettings) -> Game:
    """Play the game of a seed. InputError for a seed below 0."""
    return next(play_games([seed], oracle, settings))


def play_games(seeds: Iterable[int], oracle: AnyOracle, settings: EqSettings, *, lockstep: int = 16) -> Iterator[Game]:
    """Play the games of these seeds, `lockstep` of them at a time, each handed over as it ends.

    Every oracle call values the worlds that these games ask about; a game comes out the same whatever its neighbours.
    """
    todo = iter(seeds)
    running: list[tuple[OracleCoroutine[Game], EvaluationRequest]] = []
    while True:
        while len(running) < lockstep and (seed := next(todo, None)) is not None:
            game = _game_coroutine(seed, oracle, settings)
            running.append((game, next(game)))
        if not running:
            return
        answers = evaluate([request for _, request in running], oracle)
        going_on: list[tuple[OracleCoroutine[Game], EvaluationRequest]] = []
        for (game, _), q in zip(running, answers, strict=True):
            try:
                going_on.append((game, game.send(q)))
            except StopIteration as done:
                yield done.value
        running = going_on


def _game_coroutine(seed: int, oracle: AnyOracle, settings: EqSettings) -> OracleCoroutine[Game]:
    deal = deal_from_seed(seed)
    record = Record.of(seed % 10, 0, ())
    held = [list(hand) for hand in deal.hands]
    rows: list[dict[str, object]] = []
    scores: list[tuple[int, int]] = []
    for n_plays in range(N_PLAYS):
        seat = record.mover
        info = InformationSet(record, seat, tuple(held[seat]))
        valuation = yield from value_plays(info, settings, stream(seed, Purpose.WORLDS, n_plays))
        rng = stream(seed, Purpose.CHOICE, n_plays)
        choice = choose(valuation.estimate, settings, rng, bidding=team(seat) == team(record.first_leader))
        rows.append(_row(info, valuation, choice))
        scores.append(record.won)
        domino = deal.hands[seat][choice.slot]
        held[seat].remove(domino)
        record = record.then(domino)
    for row, seat, before in zip(rows, record.seats, scores, strict=True):
        gained = [after - earlier for after, earlier in zip(record.won, before, strict=True)]
        row["outcome"] = gained[team(seat)] - gained[1 - team(seat)]
    columns = {name: np.array([row[name] for row in rows], column.dtype) for name, column in COLUMNS.items()}
    return Game(seed, deal, seed % 10, record.plays, columns, settings, (oracle.name, oracle.digest))


def _row(info: InformationSet, valuation: Valuation, choice: Choice) -> dict[str, object]:
    """The fields of a decision but its outcome."""
    values, weights = valuation.estimate, valuation.weights
    tokens, length = transcript(info)
    spread = np.sqrt(values.variance[values.legal])
    return {
        "transcript_tokens": tokens,
        "transcript_lengths": length,
        "e_q_mean": values.mean,
        "e_q_var": values.variance,
        "e_q_sem": values.sem,
        "p_make": values.p_make,
        "p_final": values.p_final,
        "legal_mask": values.legal,
        "action_taken": choice.slot,
        "player": info.seat,
        "score": info.record.won,
        "n_worlds": valuation.n_worlds,
        "n_samples": valuation.n_samples,
        "converged": valuation.converged,
        "exact": valuation.exact,
        "ess": weights.ess,
        "low_ess": weights.low_ess,
        "max_w": weights.max_w,
        "weight_entropy": weights.entropy,
        "u_mean": spread.mean(),
        "u_max": spread.max(),
        "exploration_mode": choice.mode,
        "choice_entropy": choice.entropy,
        "q_gap": choice.regret,
    }
