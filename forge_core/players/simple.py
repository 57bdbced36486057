"""Players without a thought: any legal domino, or the highest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int8

from forge_core.players.decisions import Decisions
from forge_core.players.streams import derived_keys, uniform
from forge_core.solver.rules_kernel import LED_SUITS, RANKS

_DOMINOES = np.arange(28)


@dataclass(frozen=True, slots=True)
class RandomPlayer:
    """Any legal domino, all alike.

    seed   players of different seeds draw differently
    """

    seed: int = 0
    name: str = "random"

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        legal = decisions.legal()[:, None] >> _DOMINOES & 1 == 1
        return pick(legal, uniform(derived_keys(decisions.keys, self.seed)))


@dataclass(frozen=True, slots=True)
class HighestPlayer:
    """The legal domino of the highest rank in this trick; any of them alike, where several have it.

    Who leads ranks each domino in the suit that it would lead: the highest trump, else a double, else by pips.
    """

    seed: int = 0
    name: str = "highest"

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        legal = decisions.legal()[:, None] >> _DOMINOES & 1 == 1
        declarations = decisions.declarations.astype(np.int64)[:, None]
        n_table = decisions.ply % 4
        led = decisions.plays[:, decisions.ply - n_table, None] if n_table else _DOMINOES[None, :]
        rank = np.where(legal, RANKS[declarations, LED_SUITS[declarations, led], _DOMINOES], -1)
        best = rank == rank.max(axis=1, keepdims=True)
        return pick(best, uniform(derived_keys(decisions.keys, self.seed)))


def pick(among: Bool[np.ndarray, "n k"], at: Float64[np.ndarray, "n"]) -> Int8[np.ndarray, "n"]:
    """In each row the index of one of the true entries, all alike, chosen by a number in [0, 1)."""
    ordinal = np.minimum(np.floor(at * among.sum(axis=1)), among.sum(axis=1) - 1)
    return (among & (among.cumsum(axis=1) == ordinal[:, None] + 1)).argmax(axis=1).astype(np.int8)
