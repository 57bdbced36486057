"""The fields of a generated game: 28 rows, one a decision. A public format; change the version with it."""

from dataclasses import dataclass

import numpy as np

from forge_core.expected_q.transcript import N_TRANSCRIPT_FEATURES, N_TRANSCRIPT_TOKENS
from forge_core.rules import HAND_POINTS

SCHEMA_VERSION = 2
SINCE_2 = ("p_final",)
"""The fields that version 1 lacks; a game of version 1 is read with NaN there."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field: its dtype, the shape of one decision's value, and what it means."""

    dtype: type[np.generic]
    shape: tuple[int, ...]
    meaning: str


COLUMNS: dict[str, Column] = {
    "transcript_tokens": Column(
        np.int8, (N_TRANSCRIPT_TOKENS, N_TRANSCRIPT_FEATURES), "declaration, hand, plays; seats relative to the mover"
    ),
    "transcript_lengths": Column(np.int8, (), "transcript tokens in use"),
    "e_q_mean": Column(np.float32, (7,), "E[Q] of each slot: points to go, mover's view; NaN = illegal"),
    "e_q_var": Column(np.float32, (7,), "variance of Q over the worlds, points squared; NaN = illegal"),
    "e_q_sem": Column(np.float32, (7,), "standard error of e_q_mean, points; 0 where exact; NaN = illegal"),
    "p_make": Column(np.float32, (7,), "probability that seat 0's team makes the bid; NaN = illegal or no bid"),
    "p_final": Column(
        np.float32,
        (7, HAND_POINTS + 1),
        "probability of 0 to 42 final points of seat 0's team; P(make) of a bid is the sum from it on; NaN = illegal",
    ),
    "legal_mask": Column(np.bool_, (7,), "the slots of the mover's original hand that may be played"),
    "action_taken": Column(np.int8, (), "the slot played"),
    "player": Column(np.int8, (), "the mover's seat, 0-3"),
    "score": Column(np.int8, (2,), "points won before the play by (team 0, team 1)"),
    "n_worlds": Column(np.int64, (), "worlds consistent with what the mover knows"),
    "n_samples": Column(np.int32, (), "worlds evaluated"),
    "converged": Column(np.bool_, (), "whether every SEM is at most the threshold of the settings"),
    "exact": Column(np.bool_, (), "whether every world was evaluated"),
    "ess": Column(np.float32, (), "effective sample size of the weights"),
    "low_ess": Column(np.bool_, (), "whether ess was so low that uniform weight was mixed in"),
    "max_w": Column(np.float32, (), "largest weight of a world"),
    "weight_entropy": Column(np.float32, (), "entropy of the weights, nats"),
    "u_mean": Column(np.float32, (), "standard deviation of Q over the worlds, mean over the legal slots, points"),
    "u_max": Column(np.float32, (), "the same, largest of the legal slots"),
    "exploration_mode": Column(np.int8, (), "why the play was made: 0 greedy, 1 epsilon, 2 boltzmann, 3 blunder"),
    "choice_entropy": Column(np.float32, (), "entropy of the distribution the play was drawn from, nats"),
    "q_gap": Column(np.float32, (), "E[Q] given up by the play against the largest, points"),
    "outcome": Column(np.int8, (), "points to go as the game was played, mover's view"),
}
"""Field name -> column, in the order of the files."""

UNITS = "points; own team minus the other, in the mover's view; entropies in nats"
