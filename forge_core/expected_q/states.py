"""Worlds as states: the position that every world was in before some play of the record.

A world's hands are the original ones, so the slots of the other seats differ from world to world and only the seat
that asks has the same slots in all of them.
"""

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from forge_core.expected_q.record import FOLLOWERS, Record
from forge_core.solver.jit import kernel
from forge_core.solver.state import NO_SLOT


def states_before(
    deals: UInt8[np.ndarray, "n 28"], record: Record, n_plays: int | None = None
) -> Int64[np.ndarray, "n"]:
    """The packed states of these worlds before play number `n_plays` (counted from 0), or now.

    The worlds must agree with the record about who played what.
    """
    n_plays = len(record.plays) if n_plays is None else n_plays
    plays = np.array(record.plays[:n_plays], np.int64)
    n_table = n_plays % 4
    led_at = n_plays - n_table
    leader = record.seats[led_at] if led_at < len(record.seats) else record.leader
    return pack_worlds(deals, plays, n_table, leader)


def hands_before(
    deals: UInt8[np.ndarray, "n 28"], record: Record, n_plays: int, seat: int
) -> tuple[UInt8[np.ndarray, "n 7"], Bool[np.ndarray, "n 7"]]:
    """A seat's original hand in every world, and which slots it might have played at play number `n_plays`."""
    hand = deals[:, 7 * seat : 7 * seat + 7]
    gone = sum(1 << domino for domino in record.plays[:n_plays])
    held = (gone >> hand.astype(np.int64) & 1) == 0
    suit = record.led_suit_at(n_plays)
    if suit is None:
        return hand, held
    follows = held & ((FOLLOWERS[record.declaration][suit] >> hand.astype(np.int64) & 1) == 1)
    return hand, np.where(follows.any(axis=1, keepdims=True), follows, held)


@kernel
def pack_worlds(
    deals: UInt8[np.ndarray, "n 28"], plays: Int64[np.ndarray, "p"], n_table: int, leader: int
) -> Int64[np.ndarray, "n"]:
    """The states int64[n] after `plays`, of which the last `n_table` lie in the present trick."""
    n = deals.shape[0]
    states = np.empty(n, np.int64)
    place = np.empty(28, np.int64)
    first = plays.shape[0] - n_table
    for w in range(n):
        for bit in range(28):
            place[deals[w, bit]] = bit
        state = np.int64((1 << 28) - 1) | np.int64(leader) << 28 | np.int64(n_table) << 30
        for i in range(plays.shape[0]):
            state &= ~(np.int64(1) << place[plays[i]])
        for i in range(3):
            slot = place[plays[first + i]] % 7 if i < n_table else NO_SLOT
            state |= np.int64(slot) << (32 + 3 * i)
        states[w] = state
    return states
