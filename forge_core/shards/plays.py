"""Plays on many packed states of one deal at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from forge_core.solver import state
from forge_core.solver.deal_rules import DealRules
from forge_core.solver.state import NO_SLOT


class Played(NamedTuple):
    """What plays lead to: the states after them, and the points (team 0 minus team 1) of the tricks they complete."""

    states: Int64[np.ndarray, "n"]
    points: Int64[np.ndarray, "n"]


def legal_slots(rules: DealRules, states: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "n 7"]:
    """Which slots the movers may play; none at the end."""
    here = state.fields(states)
    rows = np.arange(len(states))
    hand = here.held[rows, here.mover].astype(np.int64)
    led = rules.led[here.leader, here.trick[:, 0] % NO_SLOT]
    following = np.where(here.n_played > 0, hand & rules.follow[here.mover, led], 0)
    return (np.where(following, following, hand)[:, None] >> np.arange(7) & 1).astype(np.bool_)


def play(rules: DealRules, states: Int64[np.ndarray, "n"], slots: Int64[np.ndarray, "n"]) -> Played:
    """Let each mover play a legal slot."""
    here = state.fields(states)
    rows = np.arange(len(states))
    trick = np.pad(here.trick.astype(np.int64), ((0, 0), (0, 1)), constant_values=NO_SLOT)
    trick[rows, here.n_played] = slots
    held = here.held.astype(np.int64)
    held[rows, here.mover] &= ~(1 << slots)
    complete = here.n_played == 3
    seats = here.leader[:, None] + np.arange(4) & 3
    played = trick % NO_SLOT  # any slot where none was played yet: such tricks are not complete
    suit = rules.led[here.leader, played[:, 0]]
    winner = seats[rows, rules.rank[seats, played, suit[:, None]].argmax(axis=1)]
    points = np.where(winner % 2 == 0, 1, -1) * (1 + rules.points[seats, played].sum(axis=1))
    after = state.pack_fields(
        held,
        np.where(complete, winner, here.leader),
        np.where(complete, 0, here.n_played + 1),
        np.where(complete[:, None], NO_SLOT, trick[:, :3]),
    )
    return Played(after, np.where(complete, points, 0))
