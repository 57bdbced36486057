"""Plays on many packed states of one deal at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from forge_core.solver.deal_rules import DealRules
from forge_core.solver.jit import kernel
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
from forge_core.solver.state import NO_SLOT


class Played(NamedTuple):
    """What plays lead to: the states after them, and the points (team 0 minus team 1) of the tricks they complete."""

    states: Int64[np.ndarray, "n"]
    points: Int64[np.ndarray, "n"]


def legal_slots(rules: DealRules, states: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "n 7"]:
    """Which slots the movers may play; none at the end."""
    legal = np.empty((len(states), 7), np.bool_)
    _mark_legal(rules, states, legal)
    return legal


def play(rules: DealRules, states: Int64[np.ndarray, "n"], slots: Int64[np.ndarray, "n"]) -> Played:
    """Let each mover play a legal slot."""
    played = Played(np.empty(len(states), np.int64), np.empty(len(states), np.int64))
    _play(rules, states, slots, played)
    return played


@kernel
def _mark_legal(rules: DealRules, states: Int64[np.ndarray, "n"], legal: Bool[np.ndarray, "n 7"]) -> None:
    for i in range(len(states)):
        state = states[i]
        leader, plays = leader_of(state), plays_of(state)
        mover = leader + plays & 3
        slots = hand_of(state, mover)
        if plays > 0:
            slots = playable(slots, rules.follow[mover, rules.led[leader, slot_of(state, 0)]])
        for slot in range(7):
            legal[i, slot] = slots >> slot & 1


@kernel
def _play(rules: DealRules, states: Int64[np.ndarray, "n"], slots: Int64[np.ndarray, "n"], out: Played) -> None:
    for i in range(len(states)):
        state = states[i]
        leader, plays = leader_of(state), plays_of(state)
        held = held_of(state) & ~slot_bit(leader + plays & 3, slots[i])
        if plays < 3:
            first = slots[i] if plays == 0 else slot_of(state, 0)
            second = slots[i] if plays == 1 else slot_of(state, 1)
            third = slots[i] if plays == 2 else slot_of(state, 2)
            out.states[i] = packed(held, leader, plays + 1, slots_on_table(first, second, third))
            out.points[i] = 0
            continue
        suit = rules.led[leader, slot_of(state, 0)]
        best, winner, points = np.int64(-1), leader, np.int64(1)
        for place in range(4):
            seat, slot = leader + place & 3, slots[i] if place == 3 else slot_of(state, place)
            best, winner = winning(best, winner, rules.rank[seat, slot, suit], seat)
            points += rules.points[seat, slot]
        out.states[i] = packed(held, winner, 0, slots_on_table(NO_SLOT, NO_SLOT, NO_SLOT))
        out.points[i] = -points if winner & 1 else points
