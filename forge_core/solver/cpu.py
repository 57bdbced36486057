"""The value table's kernels: what is reachable (forward) and what it is worth (retrograde analysis).

Both walk one trick from a *row* of boundary states: seats 0-2 play slot by slot, while seat 3's hand is a lane, so that
a single walk serves every hand it may hold. The leader is a constant in each walk: four copies are compiled.
"""

from typing import Any, NamedTuple

import numpy as np

from forge_core.solver.jit import inlined, kernel
from forge_core.solver.lanes import (
    lowest,
    popcount,
    row_load,
    row_max,
    row_min,
    row_plus,
    row_splat,
    row_store,
    row_where,
)
from forge_core.solver.ranking import HANDS, LANE_SHIFT, MASK_OF_RANK, RANK_OF_MASK
from forge_core.solver.rules_kernel import playable, winning
from forge_core.solver.state import HAND_MASK

LANE_SEAT = 3
_WORST = 100  # beyond every value


class Row(NamedTuple):
    """A row of boundary states: tricks left, hands of seats 0-2, the lanes that are reachable, C(7, k-1)."""

    tricks: Any
    hand0: Any
    hand1: Any
    hand2: Any
    lanes: Any
    below: Any


class Node(NamedTuple):
    """A place inside the trick.

    lanes   the hands of seat 3 (before the trick) for which the plays so far are legal
    suit    the led suit
    best    rank of the winning play, winner its seat
    points  the trick's points so far, child the part of the next row's key that is settled
    shift   by how many lanes seat 3's play moves the values
    """

    lanes: Any
    suit: Any
    best: Any
    winner: Any
    points: Any
    child: Any
    shift: Any


@inlined
def _hand(row: Row, seat: int) -> Any:
    if seat == 0:
        return row.hand0
    return row.hand1 if seat == 1 else row.hand2


@inlined
def lead_slots(row: Row, seat: int) -> Any:
    """The slots (a bit mask) that the leader may try; for seat 3 all, its lanes decide."""
    return np.int64(HAND_MASK) if seat == LANE_SEAT else _hand(row, seat)


@inlined
def answer_slots(rules: Any, row: Row, node: Node, seat: int) -> Any:
    """The slots (a bit mask) that a later seat may try; for seat 3 all, its lanes decide."""
    if seat == LANE_SEAT:
        return np.int64(HAND_MASK)
    return playable(_hand(row, seat), rules.follow[seat, node.suit])


@inlined
def _child_key(row: Row, seat: int, slot: Any) -> Any:
    if seat == LANE_SEAT:
        return np.int64(0)
    rank = RANK_OF_MASK[_hand(row, seat) ^ (np.int64(1) << slot)]
    if seat == 0:
        return rank * row.below * row.below
    return rank * row.below if seat == 1 else rank


@inlined
def play_lead(rules: Any, sets: Any, row: Row, seat: int, slot: Any) -> Node:
    """The node after the lead of a slot."""
    lanes = row.lanes & sets.holds[row.tricks, slot] if seat == LANE_SEAT else row.lanes
    shift = LANE_SHIFT[slot] if seat == LANE_SEAT else np.int64(0)
    suit = rules.led[seat, slot]
    points = 1 + rules.points[seat, slot]
    return Node(lanes, suit, rules.rank[seat, slot, suit], np.int64(seat), points, _child_key(row, seat, slot), shift)


@inlined
def play_next(rules: Any, sets: Any, row: Row, node: Node, seat: int, slot: Any) -> Node:
    """The node after a later seat's play of a slot."""
    lanes = node.lanes & sets.may[row.tricks, node.suit, slot] if seat == LANE_SEAT else node.lanes
    shift = LANE_SHIFT[slot] if seat == LANE_SEAT else node.shift
    best, winner = winning(node.best, node.winner, rules.rank[seat, slot, node.suit], np.int64(seat))
    return Node(
        lanes,
        node.suit,
        best,
        winner,
        node.points + rules.points[seat, slot],
        node.child + _child_key(row, seat, slot),
        shift,
    )


@inlined
def _mark_row(leader: int, rules: Any, sets: Any, row: Row, reached: Any, counts: Any) -> None:
    """Mark what one trick from this row reaches; count its states by plays in the trick (0-3)."""
    second, third, fourth = (leader + 1) & 3, (leader + 2) & 3, (leader + 3) & 3
    level = row.below * row.below * row.below
    counts[0] = popcount(row.lanes)
    todo0 = lead_slots(row, leader)
    while todo0:
        node0 = play_lead(rules, sets, row, leader, lowest(todo0))
        todo0 &= todo0 - 1
        if node0.lanes == 0:
            continue
        counts[1] += popcount(node0.lanes)
        todo1 = answer_slots(rules, row, node0, second)
        while todo1:
            node1 = play_next(rules, sets, row, node0, second, lowest(todo1))
            todo1 &= todo1 - 1
            if node1.lanes == 0:
                continue
            counts[2] += popcount(node1.lanes)
            todo2 = answer_slots(rules, row, node1, third)
            while todo2:
                node2 = play_next(rules, sets, row, node1, third, lowest(todo2))
                todo2 &= todo2 - 1
                if node2.lanes == 0:
                    continue
                counts[3] += popcount(node2.lanes)
                todo3 = answer_slots(rules, row, node2, fourth)
                while todo3:
                    node3 = play_next(rules, sets, row, node2, fourth, lowest(todo3))
                    todo3 &= todo3 - 1
                    reached[node3.winner * level + node3.child] |= node3.lanes >> np.uint64(node3.shift)


@inlined
def _better(seat: int, a: Any, b: Any) -> Any:
    return row_min(a, b) if seat & 1 else row_max(a, b)


@inlined
def _worst(seat: int) -> Any:
    return row_splat(np.int64(_WORST if seat & 1 else -_WORST))


@inlined
def _choose(seat: int, best: Any, values: Any, node: Node, scratch: Any) -> Any:
    """The better of `best` and the values after this seat's play, which for seat 3 lie `shift` lanes too low."""
    if seat != LANE_SEAT:
        return _better(seat, best, values)
    row_store(scratch, np.int64(64), values)
    moved = row_load(scratch, np.int64(64) - node.shift)
    return row_where(node.lanes, _better(seat, best, moved), best)


@inlined
def _value_row(leader: int, rules: Any, sets: Any, row: Row, below: Any, scratch: Any) -> Any:
    """The values of a row: a four-ply minimax into the rows of the level below."""
    row_of, values = below
    second, third, fourth = (leader + 1) & 3, (leader + 2) & 3, (leader + 3) & 3
    level = row.below * row.below * row.below
    best0 = _worst(leader)
    todo0 = lead_slots(row, leader)
    while todo0:
        node0 = play_lead(rules, sets, row, leader, lowest(todo0))
        todo0 &= todo0 - 1
        if node0.lanes == 0:
            continue
        best1 = _worst(second)
        todo1 = answer_slots(rules, row, node0, second)
        while todo1:
            node1 = play_next(rules, sets, row, node0, second, lowest(todo1))
            todo1 &= todo1 - 1
            if node1.lanes == 0:
                continue
            best2 = _worst(third)
            todo2 = answer_slots(rules, row, node1, third)
            while todo2:
                node2 = play_next(rules, sets, row, node1, third, lowest(todo2))
                todo2 &= todo2 - 1
                if node2.lanes == 0:
                    continue
                best3 = _worst(fourth)
                todo3 = answer_slots(rules, row, node2, fourth)
                while todo3:
                    node3 = play_next(rules, sets, row, node2, fourth, lowest(todo3))
                    todo3 &= todo3 - 1
                    child = row_of[node3.winner * level + node3.child]
                    if node3.lanes == 0 or child < 0:  # no reachable lane leads there
                        continue
                    won = -node3.points if node3.winner & 1 else node3.points
                    after = row_plus(row_load(values, 64 * np.int64(child)), won)
                    best3 = _choose(fourth, best3, after, node3, scratch)
                best2 = _choose(third, best2, best3, node2, scratch)
            best1 = _choose(second, best1, best2, node1, scratch)
        best0 = _choose(leader, best0, best1, node0, scratch)
    return best0


@inlined
def unpack_row(tricks: Any, key: Any, lanes: Any) -> tuple[Any, Row]:
    """The leader and the row of a key."""
    radix = HANDS[tricks]
    hand2 = MASK_OF_RANK[tricks, key % radix]
    hand1 = MASK_OF_RANK[tricks, key // radix % radix]
    hand0 = MASK_OF_RANK[tricks, key // (radix * radix) % radix]
    return key // (radix * radix * radix), Row(tricks, hand0, hand1, hand2, lanes, HANDS[tricks - 1])


@kernel
def mark_level(rules: Any, sets: Any, tricks: int, keys: Any, lanes: Any, reached: Any, counts: Any) -> None:
    """Forward: from the rows of a level (keys int32[r], lanes uint64[r]) mark the next one's lanes in `reached`
    (uint64 by key) and count each row's states by plays in the trick (`counts` uint16[r, 4], zero on entry)."""
    for i in range(len(keys)):
        leader, row = unpack_row(tricks, np.int64(keys[i]), lanes[i])
        if leader == 0:
            _mark_row(0, rules, sets, row, reached, counts[i])
        elif leader == 1:
            _mark_row(1, rules, sets, row, reached, counts[i])
        elif leader == 2:
            _mark_row(2, rules, sets, row, reached, counts[i])
        else:
            _mark_row(3, rules, sets, row, reached, counts[i])


@kernel
def value_level(rules: Any, sets: Any, tricks: int, keys: Any, lanes: Any, below: Any, out: Any) -> None:
    """Backward: write the values of a level's rows (int8, 64 a row) to `out`, from the level below (`below` = its row
    numbers int32 by key, -1 where nothing is reachable, and the values of all rows)."""
    scratch = np.zeros(192, dtype=np.int8)
    for i in range(len(keys)):
        leader, row = unpack_row(tricks, np.int64(keys[i]), lanes[i])
        if leader == 0:
            values = _value_row(0, rules, sets, row, below, scratch)
        elif leader == 1:
            values = _value_row(1, rules, sets, row, below, scratch)
        elif leader == 2:
            values = _value_row(2, rules, sets, row, below, scratch)
        else:
            values = _value_row(3, rules, sets, row, below, scratch)
        row_store(out, np.int64(64 * i), values)
