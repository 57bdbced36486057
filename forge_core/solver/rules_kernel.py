"""The rules of a trick and the packed state, for every Numba kernel: pieces that are merged into their callers.

What depends on the declaration stands in the tables below, by domino; `deal_rules` has it for one deal, by slot. A hand
is a mask, of 7 slots or of 28 dominoes; `held` is four masks of slots as in a packed state (`state`).
"""

from typing import Any

import numpy as np

from forge_core.rules import tables
from forge_core.solver.jit import inlined
from forge_core.solver.state import (
    ALL_HELD,
    HAND_BITS,
    HAND_MASK,
    LEADER_SHIFT,
    NO_SLOT,
    PLAYS_SHIFT,
    SEAT_MASK,
    SLOT_BITS,
    SLOTS_SHIFT,
)

FOLLOWS = np.array(tables.FOLLOWS, dtype=np.int64)
"""[declaration, suit, domino] -> 1 if it follows the led suit, else 0."""
FOLLOWERS = np.array(tables.FOLLOWERS, dtype=np.int64)
"""[declaration, suit] -> 28-bit mask of the dominoes that follow it."""
LED_SUITS = np.array(tables.LED_SUIT, dtype=np.int64)
"""[declaration, domino] -> the suit 0-7 that it asks for when led."""
RANKS = np.array(tables.RANK, dtype=np.int64)
"""[declaration, suit, domino] -> its strength 0-30 in a trick of that suit, 0 = cannot win."""
COUNT_POINTS = np.array(tables.COUNT_POINTS, dtype=np.int64)
"""[domino] -> 0, 5 or 10."""


@inlined
def playable(hand: Any, follow: Any) -> Any:
    """What of a hand may be played to a led suit: what follows it, or all if nothing does.

    Args:
        hand: mask of the slots, or the dominoes, that are held.
        follow: mask of those that follow the led suit, held or not.
    """
    following = hand & follow
    return following if following != 0 else hand


@inlined
def winning(best: Any, winner: Any, rank: Any, seat: Any) -> Any:
    """(best rank, its seat) of a trick after a play: a later domino wins only if its rank is higher."""
    return (rank, seat) if rank > best else (best, winner)


@inlined
def hand_of(held: Any, seat: Any) -> Any:
    """The hand of a seat."""
    return held >> (HAND_BITS * seat) & HAND_MASK


@inlined
def slot_bit(seat: Any, slot: Any) -> Any:
    """The bit of a seat's slot in `held`."""
    return np.int64(1) << (HAND_BITS * seat + slot)


@inlined
def held_of(state: Any) -> Any:
    """The four hands of a packed state."""
    return state & ALL_HELD


@inlined
def leader_of(state: Any) -> Any:
    """The seat that led, or is to lead, the present trick of a packed state."""
    return state >> LEADER_SHIFT & SEAT_MASK


@inlined
def plays_of(state: Any) -> Any:
    """The number of plays in the present trick of a packed state, 0-3."""
    return state >> PLAYS_SHIFT & SEAT_MASK


@inlined
def slot_of(state: Any, place: Any) -> Any:
    """The slot played at a place (0-2) of the present trick; NO_SLOT = none."""
    return state >> (SLOTS_SHIFT + SLOT_BITS * place) & NO_SLOT


@inlined
def packed(held: Any, leader: Any, plays: Any, slots: Any) -> Any:
    """A packed state; `slots` are three fields of SLOT_BITS, the led one lowest, NO_SLOT = none."""
    return held | np.int64(leader) << LEADER_SHIFT | np.int64(plays) << PLAYS_SHIFT | np.int64(slots) << SLOTS_SHIFT


@inlined
def slots_on_table(first: Any, second: Any, third: Any) -> Any:
    """The field `slots` of `packed`."""
    return np.int64(first) | np.int64(second) << SLOT_BITS | np.int64(third) << (2 * SLOT_BITS)
