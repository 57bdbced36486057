"""Questions to a finished value table: Q of any state by at most four plies, and the state of a given number."""

from typing import Any, NamedTuple

import numpy as np

from forge_core.solver.cpu import Node, Row, answer_slots, lead_slots, play_lead, play_next, unpack_row
from forge_core.solver.jit import inlined, kernel
from forge_core.solver.lanes import lowest, popcount
from forge_core.solver.ranking import HANDS, RANK_OF_MASK, ROW_START
from forge_core.solver.rules_kernel import (
    hand_of,
    held_of,
    leader_of,
    packed,
    playable,
    plays_of,
    slot_bit,
    slot_of,
    slots_on_table,
    winning,
)
from forge_core.solver.state import HAND_BITS, ILLEGAL, NO_SLOT

_MOST_STATES_OF_A_ROW = 35 * 4 * 4 * 4 * 4


class Table(NamedTuple):
    """A solved deal: row_of int32 by level and key (-1 = not reachable), reachable lanes and values int8 by row."""

    row_of: Any
    lanes: Any
    values: Any


class TrickState(NamedTuple):
    """A trick in progress: who led, plays so far, led suit, best rank, its seat, points so far."""

    leader: Any
    place: Any
    suit: Any
    best: Any
    winner: Any
    points: Any


@inlined
def _row_number(table: Any, held: Any, leader: Any) -> Any:
    tricks = popcount(np.uint64(hand_of(held, 3)))
    radix = HANDS[tricks]
    key = (leader * radix + RANK_OF_MASK[hand_of(held, 0)]) * radix + RANK_OF_MASK[hand_of(held, 1)]
    return np.int64(table.row_of[ROW_START[tricks] + key * radix + RANK_OF_MASK[hand_of(held, 2)]])


@inlined
def _boundary_value(table: Any, held: Any, leader: Any) -> Any:
    return np.int64(table.values[64 * _row_number(table, held, leader) + (held >> 21 & 63)])


@inlined
def _legal(rules: Any, held: Any, trick: TrickState) -> Any:
    seat = (trick.leader + trick.place) & 3
    hand = hand_of(held, seat)
    return playable(hand, rules.follow[seat, trick.suit]) if trick.place > 0 else hand


@inlined
def _put(rules: Any, trick: TrickState, slot: Any) -> TrickState:
    seat = (trick.leader + trick.place) & 3
    suit = trick.suit if trick.place > 0 else rules.led[seat, slot]
    best, winner = winning(trick.best, trick.winner, rules.rank[seat, slot, suit], seat)
    return TrickState(trick.leader, trick.place + 1, suit, best, winner, trick.points + rules.points[seat, slot])


@kernel
def _minimax(rules: Any, table: Any, held: Any, trick: TrickState) -> Any:
    """The points to go, team 0's view, the present trick's included."""
    if trick.place == 4:
        return _boundary_value(table, held, trick.winner) + (-trick.points if trick.winner & 1 else trick.points)
    seat = (trick.leader + trick.place) & 3
    best = np.int64(100 if seat & 1 else -100)
    todo = _legal(rules, held, trick)
    while todo:
        slot = lowest(todo)
        todo &= todo - 1
        value = _minimax(rules, table, held & ~slot_bit(seat, slot), _put(rules, trick, slot))
        best = min(best, value) if seat & 1 else max(best, value)
    return best


@inlined
def _is_boundary(table: Any, held: Any, leader: Any) -> bool:
    """Whether a state between tricks can be reached."""
    tricks = popcount(np.uint64(hand_of(held, 0)))
    for seat in range(1, 4):
        if popcount(np.uint64(hand_of(held, seat))) != tricks:
            return False
    row = _row_number(table, held, leader)
    return row >= 0 and table.lanes[row] >> np.uint64(held >> 21 & 63) & np.uint64(1) != 0


@inlined
def _resume(rules: Any, table: Any, state: Any) -> tuple[Any, TrickState, bool]:
    """What is held, the trick in progress, and whether play can reach this packed state at all."""
    held, leader, n_played = held_of(state), leader_of(state), plays_of(state)
    for place in range(n_played):
        held |= slot_bit(leader + place & 3, slot_of(state, place))
    zero = np.int64(0)
    trick = TrickState(leader, zero, zero, np.int64(-1), zero, np.int64(1))
    reachable = _is_boundary(table, held_of(held), leader)
    for place in range(n_played):
        slot = slot_of(state, place)
        if slot == NO_SLOT or not _legal(rules, held, trick) >> slot & 1:
            return held, trick, False
        held &= ~slot_bit(leader + place & 3, slot)
        trick = _put(rules, trick, slot)
    return held, trick, reachable and held == held_of(state)


@kernel
def q_of_states(rules: Any, table: Any, states: Any, out: Any) -> int:
    """Write Q (int8[n, 7], team 0's view, ILLEGAL elsewhere) of packed states (int64[n]).

    Returns -1, or the index of the first state that play cannot reach.
    """
    for i in range(len(states)):
        held, trick, reachable = _resume(rules, table, states[i])
        if not reachable:
            return i
        seat = (trick.leader + trick.place) & 3
        out[i, :] = ILLEGAL
        todo = _legal(rules, held, trick)
        while todo:
            slot = lowest(todo)
            todo &= todo - 1
            after = held & ~slot_bit(seat, slot)
            out[i, slot] = _minimax(rules, table, after, _put(rules, trick, slot))
    return -1


@inlined
def _emit(row: Row, node: Node, leader: int, place: int, played: Any, slots: Any, out: Any, n: int) -> int:
    """Append the packed states of a node, one a lane, to `out`; returns how many there are now."""
    held = row.hand0 | row.hand1 << HAND_BITS | row.hand2 << 2 * HAND_BITS
    lanes = node.lanes
    while lanes:
        lane = lowest(np.int64(lanes))
        lanes &= lanes - np.uint64(1)
        hand3 = lane | (64 if popcount(np.uint64(lane)) < row.tricks else 0)
        out[n] = packed((held | hand3 << 3 * HAND_BITS) & ~played, leader, place, slots)
        n += 1
    return n


@inlined
def _emit_row(leader: int, rules: Any, sets: Any, row: Row, place: int, out: Any) -> int:
    """Write the states of a row with `place` plays in the trick to `out`, in a fixed order; returns how many."""
    second, third = (leader + 1) & 3, (leader + 2) & 3
    n = 0
    todo0 = lead_slots(row, leader)
    while todo0:
        slot0 = lowest(todo0)
        todo0 &= todo0 - 1
        node0 = play_lead(rules, sets, row, leader, slot0)
        if place == 1:
            n = _emit(row, node0, leader, 1, slot_bit(leader, slot0), slots_on_table(slot0, NO_SLOT, NO_SLOT), out, n)
            continue
        if node0.lanes == 0:
            continue
        todo1 = answer_slots(rules, row, node0, second)
        while todo1:
            slot1 = lowest(todo1)
            todo1 &= todo1 - 1
            node1 = play_next(rules, sets, row, node0, second, slot1)
            played = slot_bit(leader, slot0) | slot_bit(second, slot1)
            if place == 2:
                n = _emit(row, node1, leader, 2, played, slots_on_table(slot0, slot1, NO_SLOT), out, n)
                continue
            if node1.lanes == 0:
                continue
            todo2 = answer_slots(rules, row, node1, third)
            while todo2:
                slot2 = lowest(todo2)
                todo2 &= todo2 - 1
                node2 = play_next(rules, sets, row, node1, third, slot2)
                slots = slots_on_table(slot0, slot1, slot2)
                n = _emit(row, node2, leader, 3, played | slot_bit(third, slot2), slots, out, n)
    return n


@kernel
def states_of_ranks(rules: Any, sets: Any, rows: Any, ranks: Any, out: Any) -> None:
    """Write the packed states (int64[n]) of the given numbers (int64[n], ascending) among those of `rows`.

    rows = (tricks left, plays in the trick, keys int32[r], lanes uint64[r], states of each row uint16[r]).
    """
    tricks, place, keys, lanes, counts = rows
    buffer = np.empty(_MOST_STATES_OF_A_ROW, dtype=np.int64)
    before = 0
    i = 0
    for r in range(len(keys)):
        if i == len(ranks):
            break
        count = np.int64(counts[r])
        if ranks[i] < before + count:
            leader, row = unpack_row(tricks, np.int64(keys[r]), lanes[r])
            if place == 0:
                node = Node(row.lanes, 0, 0, 0, 0, 0, 0)
                _emit(row, node, leader, 0, np.int64(0), slots_on_table(NO_SLOT, NO_SLOT, NO_SLOT), buffer, 0)
            elif leader == 0:
                _emit_row(0, rules, sets, row, place, buffer)
            elif leader == 1:
                _emit_row(1, rules, sets, row, place, buffer)
            elif leader == 2:
                _emit_row(2, rules, sets, row, place, buffer)
            else:
                _emit_row(3, rules, sets, row, place, buffer)
            while i < len(ranks) and ranks[i] < before + count:
                out[i] = buffer[ranks[i] - before]
                i += 1
        before += count
