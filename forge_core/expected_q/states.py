"""Worlds as states: the position that every world was in before some play of the record.

A world's hands are the original ones, so the slots of the other seats differ from world to world and only the seat
that asks has the same slots in all of them.
"""

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from forge_core.expected_q.record import Record
from forge_core.rules.tables import FOLLOWERS
from forge_core.solver.jit import kernel
from forge_core.solver.rules_kernel import packed, playable, slots_on_table
from forge_core.solver.state import ALL_HELD, NO_SLOT


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
    suit = record.led_suit_at(n_plays)
    follow = FOLLOWERS[record.declaration][suit] if suit is not None else ALL_HELD
    gone = sum(1 << domino for domino in record.plays[:n_plays])
    legal = np.empty((len(hand), 7), np.bool_)
    _mark_playable(hand, gone, follow, legal)
    return hand, legal


@kernel
def _mark_playable(hands: UInt8[np.ndarray, "n 7"], gone: int, follow: int, legal: Bool[np.ndarray, "n 7"]) -> None:
    """Mark the slots of each hand that may be played; `gone` and `follow` are 28-bit masks of dominoes."""
    for w in range(hands.shape[0]):
        held = np.int64(0)
        for slot in range(7):
            held |= np.int64(1) << hands[w, slot]
        dominoes = playable(held & ~gone, follow)
        for slot in range(7):
            legal[w, slot] = dominoes >> hands[w, slot] & 1


@kernel
def pack_worlds(
    deals: UInt8[np.ndarray, "n 28"], plays: Int64[np.ndarray, "p"], n_table: int, leader: int
) -> Int64[np.ndarray, "n"]:
    """The states int64[n] after `plays`, of which the last `n_table` lie in the present trick."""
    n = deals.shape[0]
    states = np.empty(n, np.int64)
    place, slots = np.empty(28, np.int64), np.empty(3, np.int64)
    first = plays.shape[0] - n_table
    for w in range(n):
        for bit in range(28):
            place[deals[w, bit]] = bit
        held = np.int64(ALL_HELD)
        for i in range(plays.shape[0]):
            held &= ~(np.int64(1) << place[plays[i]])
        for i in range(3):
            slots[i] = place[plays[first + i]] % 7 if i < n_table else NO_SLOT
        states[w] = packed(held, leader, n_table, slots_on_table(slots[0], slots[1], slots[2]))
    return states
