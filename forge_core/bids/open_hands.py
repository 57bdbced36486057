"""Open hands: the exact value of uniform worlds, for every declaration. An upper bound of what a bid is worth.

The declarer's side sees all four hands here and never has to guess. Prices that are read off open hands are too high.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from forge_core.bids.histogram import histogram
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.expected_q.streams import Purpose, stream
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import HAND_POINTS, SEATS
from forge_core.rules.deal import check_hand
from forge_core.solver.search import search_opening_values


def draw_worlds(hand: Sequence[int], n: int, *, seed: int) -> UInt8[np.ndarray, "n 28"]:
    """`n` uniform deals in which seat 0 holds `hand`: those that `forge advise` draws for the opening lead."""
    info = InformationSet.of(Record.of(0, 0, ()), SEATS[0], check_hand(hand))
    return Worlds.of(info).draw(n, stream(seed, Purpose.WORLDS, 0))


def open_points(
    deals: UInt8[np.ndarray, "n 28"], declarations: Sequence[int], *, threads: int = 0
) -> Int64[np.ndarray, "d n"]:
    """The points that seat 0's team wins in each deal under each declaration, all hands open, both sides perfect."""
    rows = np.tile(deals, (len(declarations), 1))
    values = search_opening_values(rows, np.repeat(np.array(declarations, np.uint8), len(deals)), threads=threads)
    return (HAND_POINTS + values.astype(np.int64).reshape(len(declarations), len(deals))) // 2


def open_histograms(
    hand: Sequence[int], declarations: Sequence[int], n: int, *, seed: int = 0, threads: int = 0
) -> Int64[np.ndarray, "d 43"]:
    """The histogram of each declaration over the same `n` worlds."""
    points = open_points(draw_worlds(hand, n, seed=seed), declarations, threads=threads)
    return np.stack([histogram(row) for row in points])
