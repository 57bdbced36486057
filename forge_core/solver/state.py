"""The packed state: one int64 a position, 41 bits, a public format.

bits 0-27    four 7-bit masks: which slots of its original sorted hand each seat still holds (seat 0 lowest)
bits 28-29   the leader of the present trick
bits 30-31   plays in the present trick (0-3)
bits 32-40   the three slots played in it, in the order of play, 3 bits each; 7 = none
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int64, UInt8

from forge_core.rules import Deal, Position

ILLEGAL = -128
"""The q of a slot that may not be played."""
NO_SLOT = 7
OPENING = (1 << 28) - 1 | NO_SLOT << 32 | NO_SLOT << 35 | NO_SLOT << 38
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
    state = position.leader << 28 | len(position.trick) << 30
    for seat, mask in enumerate(position.held):
        state |= mask << 7 * seat
    for place in range(3):
        slot = position.trick[place] if place < len(position.trick) else NO_SLOT
        state |= slot << 32 + 3 * place
    return state


def unpack(state: int, deal: Deal, declaration: int) -> Position:
    """The position of a packed state; who won the tricks before it is not in it, so `won` is (0, 0)."""
    state = int(state)
    n_played = state >> 30 & 3
    return Position(
        deal,
        int(declaration),
        held=(state & 127, state >> 7 & 127, state >> 14 & 127, state >> 21 & 127),
        leader=state >> 28 & 3,
        trick=tuple(state >> 32 + 3 * place & 7 for place in range(n_played)),
    )


def fields(states: Int64[np.ndarray, "n"]) -> StateFields:
    """The parts of packed states, as arrays."""
    states = np.asarray(states, dtype=np.int64)
    held = (states[:, None] >> (7 * np.arange(4)) & 127).astype(np.uint8)
    leader = (states >> 28 & 3).astype(np.int8)
    n_played = (states >> 30 & 3).astype(np.int8)
    return StateFields(
        held=held,
        leader=leader,
        n_played=n_played,
        trick=(states[:, None] >> (32 + 3 * np.arange(3)) & 7).astype(np.int8),
        mover=((leader + n_played) % 4).astype(np.int8),
        plays_left=np.bitwise_count(states & ((1 << 28) - 1)).astype(np.int8),
    )


def pack_fields(
    held: Int64[np.ndarray, "n 4"],
    leader: Int64[np.ndarray, "n"],
    n_played: Int64[np.ndarray, "n"],
    trick: Int64[np.ndarray, "n 3"],
) -> Int64[np.ndarray, "n"]:
    """The packed states of these parts: the inverse of `fields`."""
    masks = (held.astype(np.int64) << 7 * np.arange(4)).sum(axis=1)
    slots = (trick.astype(np.int64) << 32 + 3 * np.arange(3)).sum(axis=1)
    return masks | leader.astype(np.int64) << 28 | n_played.astype(np.int64) << 30 | slots
