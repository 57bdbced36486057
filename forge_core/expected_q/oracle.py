"""Oracles: whatever values the plays of open deals. The exact solver and a network look the same from here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int8, Int64, UInt8

from forge_core.solver import state

Search = Callable[[UInt8[np.ndarray, "n 28"], UInt8[np.ndarray, "n"], Int64[np.ndarray, "n"]], Int8[np.ndarray, "n 7"]]
"""(deals, declarations, states) -> the exact Q of every slot, team 0's view, `state.ILLEGAL` for what may not be
played: the shape of the solver's search."""


class Oracle(Protocol):
    """Values plays with all hands open.

    name     "exact", or the model's name
    digest   identifies what computes the values: the same digest, the same values
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def digest(self) -> str:
        """See above."""
        ...

    def q(
        self,
        deals: UInt8[np.ndarray, "n 28"],
        declarations: UInt8[np.ndarray, "n"],
        states: Int64[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n 7"]:
        """Points to go (own team minus the other) after each slot, in the mover's view; NaN for illegal slots.

        A row must come out the same whatever rows are asked beside it.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExactOracle:
    """The exact solver as an oracle.

    search   values open deals (see `Search`)
    digest   the solver's version
    """

    search: Search
    digest: str
    name: str = "exact"

    def q(
        self,
        deals: UInt8[np.ndarray, "n 28"],
        declarations: UInt8[np.ndarray, "n"],
        states: Int64[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n 7"]:
        """See `Oracle.q`; whole numbers."""
        team_0 = self.search(deals, declarations, states)
        mover = (states >> 28) + (states >> 30)
        sign = np.where(mover % 2 == 0, np.float32(1), np.float32(-1))
        return np.where(team_0 == state.ILLEGAL, np.float32(np.nan), team_0 * sign[:, None])
