"""The oracle: V and Q of every reachable state of one deal, from a table over trick boundaries."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Int8, Int64

from forge_core.rules import Deal
from forge_core.solver.cpu import mark_level, value_level
from forge_core.solver.deal_rules import DealRules, Lanes, deal_rules, lane_arrays
from forge_core.solver.jit import is_compiled as kernel_is_compiled
from forge_core.solver.lookup import Table, q_of_states, states_of_ranks
from forge_core.solver.ranking import ROW_START, ROWS
from forge_core.solver.solved import SolvedDeal, unreachable

TRICKS = 7
_OPENING_LANES = np.uint64(1) << np.uint64(63)  # seat 3 holds all seven slots


@dataclass(frozen=True, slots=True)
class Level:
    """The reachable boundary states with the same number of tricks left.

    keys    int32[r] the rows, ascending (see `ranking`)
    lanes   uint64[r] the reachable lanes of each row
    counts  uint16[r, 4] states of the game tree that hang on each row, by plays in the present trick
    """

    tricks: int
    keys: np.ndarray
    lanes: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True)
class ValueTable(SolvedDeal):
    """A solved deal on the CPU.

    levels  trick boundaries by tricks left, 7 first, 0 (the final states) last
    """

    deal: Deal
    declaration: int
    levels: tuple[Level, ...]
    _rules: DealRules
    _lanes: Lanes
    _table: Table

    @property
    def states_by_plays_left(self) -> Int64[np.ndarray, "29"]:
        """See `SolvedDeal`."""
        answer = np.zeros(29, dtype=np.int64)
        for level in self.levels:
            sums = level.counts.sum(axis=0, dtype=np.int64)
            for place in range(4 if level.tricks else 1):
                answer[4 * level.tricks - place] = sums[place]
        return answer

    @property
    def nbytes(self) -> int:
        """The bytes of the table's arrays."""
        arrays = [array for level in self.levels for array in (level.keys, level.counts)]
        return sum(array.nbytes for array in (*arrays, *self._table, *self._rules, *self._lanes))

    def q(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n 7"]:
        """See `SolvedDeal`."""
        states = np.ascontiguousarray(states, dtype=np.int64)
        out = np.empty((len(states), 7), dtype=np.int8)
        bad = q_of_states(self._rules, self._table, states, out)
        if bad >= 0:
            raise unreachable(int(states[bad]))
        return out

    def states(self, ranks: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """See `SolvedDeal`."""
        ranks = np.ascontiguousarray(ranks, dtype=np.int64)
        cells = [(level, place) for level in self.levels for place in range(4 if level.tricks else 1)]
        sizes = [int(level.counts[:, place].sum(dtype=np.int64)) for level, place in cells]
        cuts = np.searchsorted(ranks, np.concatenate([[0], np.cumsum(sizes)]))
        out = np.empty(len(ranks), dtype=np.int64)
        before = 0
        for (level, place), size, (low, high) in zip(cells, sizes, pairwise(cuts), strict=True):
            if low < high:
                counts = np.ascontiguousarray(level.counts[:, place])
                rows = (level.tricks, place, level.keys, level.lanes, counts)
                states_of_ranks(self._rules, self._lanes, rows, ranks[low:high] - before, out[low:high])
            before += size
        return out

    def boundary_values(self, tricks: int) -> Int8[np.ndarray, "n"]:
        """See `SolvedDeal`."""
        level = self.levels[TRICKS - tricks]
        first = sum(len(lower.keys) for lower in self.levels[TRICKS - tricks + 1 :])
        values = self._table.values[64 * first : 64 * (first + len(level.keys))]
        return values[np.unpackbits(level.lanes.view(np.uint8), bitorder="little").view(bool)]


def solve(deal: Deal, declaration: int) -> ValueTable:
    """Solve a deal under a declaration (0-9) exactly, on the calling thread, without the GIL.

    The arrays take 11 MB on a median deal and never more than 39 MB, when every row can be reached.
    """
    rules = deal_rules(deal, declaration)
    sets = lane_arrays(rules)
    levels = _forward(rules, sets)
    lanes = np.concatenate([level.lanes for level in reversed(levels)])
    levels = _share(levels, lanes)
    row_of, values = _backward(rules, sets, levels)
    return ValueTable(deal, int(declaration), levels, rules, sets, Table(row_of, lanes, values))


def is_compiled() -> bool:
    """Whether solving can begin at once; the first time on a machine the kernels are compiled, half a minute."""
    return kernel_is_compiled(value_level)


def _forward(rules: DealRules, sets: Lanes) -> tuple[Level, ...]:
    levels: list[Level] = []
    keys, lanes = np.zeros(1, dtype=np.int32), np.array([_OPENING_LANES])
    for tricks in range(TRICKS, 0, -1):
        counts = np.zeros((len(keys), 4), dtype=np.uint16)
        reached = np.zeros(ROWS[tricks - 1], dtype=np.uint64)
        mark_level(rules, sets, tricks, keys, lanes, reached, counts)
        levels.append(Level(tricks, keys, lanes, counts))
        keys = np.flatnonzero(reached).astype(np.int32)
        lanes = reached[keys]
    final = np.zeros((len(keys), 4), dtype=np.uint16)
    final[:, 0] = 1
    return (*levels, Level(0, keys, lanes, final))


def _share(levels: tuple[Level, ...], lanes: np.ndarray) -> tuple[Level, ...]:
    """The levels with their lanes as views of the table's, which has the last level first."""
    ends = np.cumsum([len(level.keys) for level in reversed(levels)])[::-1].tolist()
    return tuple(
        replace(level, lanes=lanes[end - len(level.keys) : end]) for level, end in zip(levels, ends, strict=True)
    )


def _backward(rules: DealRules, sets: Lanes, levels: tuple[Level, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's values lie, and the values: rows in the order of the levels, the last one first."""
    row_of = np.full(ROW_START[-1], -1, dtype=np.int32)
    values = np.zeros(64 * sum(len(level.keys) for level in levels), dtype=np.int8)
    first = 0
    for level in reversed(levels):
        row_of[ROW_START[level.tricks] + level.keys] = np.arange(first, first + len(level.keys))
        if level.tricks > 0:
            below = (row_of[ROW_START[level.tricks - 1] : ROW_START[level.tricks]], values)
            value_level(rules, sets, level.tricks, level.keys, level.lanes, below, values[64 * first :])
        first += len(level.keys)
    return row_of, values
