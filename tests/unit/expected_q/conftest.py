from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest

from forge_core.expected_q.games import Game, play_game
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import (
    AdaptiveSettings,
    EqSettings,
    ExplorationMode,
    ExplorationSettings,
    PosteriorSettings,
)
from forge_core.rules import Deal, Position, deal_from_seed, opening, team
from forge_core.solver import reference, state
from forge_core.solver.search import search_q

Late = tuple[InformationSet, Position]


class ReferenceOracle:
    """The slow judge of late positions as an oracle."""

    name = "reference"
    digest = "reference"

    def q(self, deals: np.ndarray, declarations: np.ndarray, states: np.ndarray) -> np.ndarray:
        answer = np.full((len(states), 7), np.nan, np.float32)
        for i in range(len(states)):
            position = state.unpack(int(states[i]), Deal.of(deals[i].tolist()), int(declarations[i]))
            sign = 1 if team(position.mover) == 0 else -1
            answer[i] = [np.nan if q is None else sign * q for q in reference.q(position)]
        return answer


def late(seed: int, plays_left: int) -> Late:
    """A random game of a seed up to its last `plays_left` plays: what the mover knows, and the truth."""
    rng = np.random.default_rng([seed, plays_left])
    position = opening(deal_from_seed(seed), seed % 10)
    record = Record.of(position.declaration, 0, ())
    while position.plays_left > plays_left:
        slot = int(rng.choice(position.legal_slots()))
        record = record.then(position.domino(position.mover, slot))
        position = position.play(slot)
    seat = position.mover
    hand = [position.domino(seat, slot) for slot in range(7) if position.held[seat] >> slot & 1]
    return InformationSet.of(record, seat, hand), position


def is_consistent(deal: Deal, record: Record) -> bool:
    """Whether the rules allow the record with these hands."""
    position = opening(deal, record.declaration)
    for domino in record.plays:
        hand = deal.hands[position.mover]
        if domino not in hand or hand.index(domino) not in position.legal_slots():
            return False
        position = position.play(hand.index(domino))
    return True


def every_world(info: InformationSet) -> Iterator[Deal]:
    """All consistent deals, by brute force over all ways to deal the unseen dominoes."""
    record, unseen = info.record, set(info.unseen)
    first, second, third = info.others
    played = [tuple(d for d, s in zip(record.plays, record.seats, strict=True) if s == seat) for seat in range(4)]
    need_first, need_second, _ = info.needs()
    for a in combinations(sorted(unseen), need_first):
        for b in combinations(sorted(unseen - set(a)), need_second):
            hands = {info.seat: info.hand, first: a, second: b, third: tuple(unseen - set(a) - set(b))}
            deal = Deal(tuple(tuple(sorted((*played[seat], *hands[seat]))) for seat in range(4)))
            if is_consistent(deal, record):
                yield deal


@pytest.fixture(scope="session")
def reference_oracle() -> ReferenceOracle:
    return ReferenceOracle()


@pytest.fixture(scope="session")
def late_position() -> Callable[[int, int], Late]:
    return late


@pytest.fixture(scope="session")
def brute_force() -> Callable[[InformationSet], Iterator[Deal]]:
    return every_world


@pytest.fixture(scope="session")
def games() -> dict[int, Game]:
    """Two games: seed 3, greedy, and seed 951 with everything switched on."""
    oracle = ExactOracle(search_q, "1")
    plain = EqSettings(n_worlds=4, enumerate_up_to=60)
    full = EqSettings(
        n_worlds=4,
        enumerate_up_to=60,
        bid=32,
        posterior=PosteriorSettings(enabled=True, min_ess=2),
        adaptive=AdaptiveSettings(enabled=True, min_samples=3, batch_samples=2, max_samples=7, sem_threshold=2.0),
        exploration=ExplorationSettings(mode=ExplorationMode.MIXED, blunder_rate=0.2),
    )
    return {3: play_game(3, oracle, plain), 951: play_game(951, oracle, full)}
