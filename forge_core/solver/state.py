"""The packed state: one int64 a position, 41 bits, a public format.

bits 0-27    four 7-bit masks: which slots of its original sorted hand each seat still holds (seat 0 lowest)
bits 28-29   the leader of the present trick
bits 30-31   plays in the present trick (0-3)
bits 32-40   the three slots played in it, in the order of play, 3 bits each; 7 = none
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int64, Integer, UInt8

from forge_core.rules import Deal, Position

ILLEGAL = -128
"""The q of a slot that may not be played."""
HAND_BITS, HAND_MASK = 7, 127
LEADER_SHIFT, PLAYS_SHIFT, SLOTS_SHIFT = 28, 30, 32
SLOT_BITS, SEAT_MASK = 3, 3
NO_SLOT = 7
"""Where no slot was played yet; as a mask, the bits of one slot."""
ALL_HELD = (1 << LEADER_SHIFT) - 1
"""The bits of the four hands."""
OPENING = ALL_HELD | (NO_SLOT | NO_SLOT << SLOT_BITS | NO_SLOT << 2 * SLOT_BITS) << SLOTS_SHIFT
"""The state in which every seat holds all its slots and seat 0 is to lead."""


class StateFields(NamedTuple):
    """The parts of n packed states.

    held        per seat the 7-bit mask of the slots it still holds
    leader      seat that led, or is to lead, the present trick
    n_played    plays in the present trick, 0-3
    trick       the slots played in it, in the order of play; 7 = none
    mover       seat to play
    plays_left  28 before the first play, 0 at the end
    """

    held: UInt8[np.ndarray, "n 4"]
    leader: Int8[np.ndarray, "n"]
    n_played: Int8[np.ndarray, "n"]
    trick: Int8[np.ndarray, "n 3"]
    mover: Int8[np.ndarray, "n"]
    plays_left: Int8[np.ndarray, "n"]


def pack(position: Position) -> int:
    """The packed state of a position."""
    state = position.leader << LEADER_SHIFT | len(position.trick) << PLAYS_SHIFT
    for seat, mask in enumerate(position.held):
        state |= mask << HAND_BITS * seat
    for place in range(3):
        slot = position.trick[place] if place < len(position.trick) else NO_SLOT
        state |= slot << SLOTS_SHIFT + SLOT_BITS * place
    return state


def unpack(state: int, deal: Deal, declaration: int) -> Position:
    """The position of a packed state; who won the tricks before it is not in it, so `won` is (0, 0)."""
    state = int(state)
    n_played = state >> PLAYS_SHIFT & SEAT_MASK
    return Position(
        deal,
        int(declaration),
        held=(_hand(state, 0), _hand(state, 1), _hand(state, 2), _hand(state, 3)),
        leader=state >> LEADER_SHIFT & SEAT_MASK,
        trick=tuple(state >> SLOTS_SHIFT + SLOT_BITS * place & NO_SLOT for place in range(n_played)),
    )


def _hand(state: int, seat: int) -> int:
    return state >> HAND_BITS * seat & HAND_MASK


def fields(states: Int64[np.ndarray, "n"]) -> StateFields:
    """The parts of packed states, as arrays."""
    states = np.asarray(states, dtype=np.int64)
    held = (states[:, None] >> (HAND_BITS * np.arange(4)) & HAND_MASK).astype(np.uint8)
    leader = (states >> LEADER_SHIFT & SEAT_MASK).astype(np.int8)
    n_played = (states >> PLAYS_SHIFT & SEAT_MASK).astype(np.int8)
    return StateFields(
        held=held,
        leader=leader,
        n_played=n_played,
        trick=(states[:, None] >> (SLOTS_SHIFT + SLOT_BITS * np.arange(3)) & NO_SLOT).astype(np.int8),
        mover=((leader + n_played) % 4).astype(np.int8),
        plays_left=np.bitwise_count(states & ALL_HELD).astype(np.int8),
    )


def pack_fields(
    held: Integer[np.ndarray, "n 4"],
    leader: Integer[np.ndarray, "n"],
    n_played: Integer[np.ndarray, "n"],
    trick: Integer[np.ndarray, "n 3"],
) -> Int64[np.ndarray, "n"]:
    """The packed states of these parts: the inverse of `fields`."""
    masks = (held.astype(np.int64) << HAND_BITS * np.arange(4)).sum(axis=1)
    slots = (trick.astype(np.int64) << SLOTS_SHIFT + SLOT_BITS * np.arange(3)).sum(axis=1)
    return masks | leader.astype(np.int64) << LEADER_SHIFT | n_played.astype(np.int64) << PLAYS_SHIFT | slots
