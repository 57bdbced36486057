"""Oracles: whatever values plays in worlds. The exact solver and a network look the same from here.

An `Oracle` opens all hands after the play; a `HiddenHandsOracle` lets every seat play on with its own hand alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int8, Int64, UInt8

from forge_core.expected_q.information_set import InformationSet
from forge_core.solver import state

Search = Callable[[UInt8[np.ndarray, "n 28"], UInt8[np.ndarray, "n"], Int64[np.ndarray, "n"]], Int8[np.ndarray, "n 7"]]
"""(deals, declarations, states) -> the exact Q of every slot, team 0's view, `state.ILLEGAL` for what may not be
played: the shape of the solver's search."""


class EvaluationRequest(NamedTuple):
    """Positions of deals to be valued: n rows, all of one declaration.

    deals        the worlds, or worlds that come up more than once
    declaration  0-9
    states       the packed position in each row
    info         what the seat knows whose decision asks
    """

    deals: UInt8[np.ndarray, "n 28"]
    declaration: int
    states: Int64[np.ndarray, "n"]
    info: InformationSet


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


@runtime_checkable
class HiddenHandsOracle(Protocol):
    """Values plays in worlds that only the deciding seat imagines: after its play, too, every seat sees one hand.

    Whoever plays on has to know the record, so it is asked with what the seat knows, and only about the position that
    the seat is in.
    """

    @property
    def name(self) -> str:
        """As of an `Oracle`."""
        ...

    @property
    def digest(self) -> str:
        """As of an `Oracle`."""
        ...

    def values(self, requests: Sequence[EvaluationRequest]) -> list[Float32[np.ndarray, "n 7"]]:
        """As `Oracle.q`, one answer a request; each the same whatever is asked beside it."""
        ...


AnyOracle: TypeAlias = Oracle | HiddenHandsOracle


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
        sign = np.where(state.fields(states).mover % 2 == 0, np.float32(1), np.float32(-1))
        return np.where(team_0 == state.ILLEGAL, np.float32(np.nan), team_0 * sign[:, None])


@dataclass(frozen=True, slots=True)
class HybridOracle:
    """A network early in a deal and the exact search late, where a search is cheap. What it reaches is its own, not the
    network's.

    early       answers states with more plays left than that
    late        the exact solver
    plays_left  the most plays left that are searched; 12 = the last three tricks
    """

    early: Oracle
    late: Oracle
    plays_left: int = 12

    @property
    def name(self) -> str:
        """Says what answers when."""
        return f"hybrid of {self.early.name} and {self.late.name} from {self.plays_left} plays left"

    @property
    def digest(self) -> str:
        """Of both, and of where one takes over from the other."""
        return f"{self.early.digest}+{self.late.digest}@{self.plays_left}"

    def q(
        self,
        deals: UInt8[np.ndarray, "n 28"],
        declarations: UInt8[np.ndarray, "n"],
        states: Int64[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n 7"]:
        """See `Oracle.q`."""
        answer = np.empty((len(states), 7), np.float32)
        late = state.fields(states).plays_left <= self.plays_left
        for rows, oracle in ((~late, self.early), (late, self.late)):
            if rows.any():
                answer[rows] = oracle.q(deals[rows], declarations[rows], states[rows])
        return answer


@dataclass(frozen=True, slots=True)
class FixedBatches:
    """An oracle that is always asked `rows` rows at a time, the last ones repeated where there are fewer.

    Matrix products of different shapes round differently, so a network's answer to a row depends on how many rows are
    asked with it, in the last bits; of one shape it does not, whatever the other rows and the threads. Wrapped like
    this, a network keeps the promise of `Oracle.q`.
    """

    oracle: Oracle
    rows: int = 256

    @property
    def name(self) -> str:
        """The oracle's own."""
        return self.oracle.name

    @property
    def digest(self) -> str:
        """The oracle's own."""
        return self.oracle.digest

    def q(
        self,
        deals: UInt8[np.ndarray, "n 28"],
        declarations: UInt8[np.ndarray, "n"],
        states: Int64[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n 7"]:
        """See `Oracle.q`."""
        n = len(states)
        answer = np.empty((n, 7), np.float32)
        for start in range(0, n, self.rows):
            rows = np.minimum(np.arange(start, start + self.rows), n - 1)
            answer[start : start + self.rows] = self.oracle.q(deals[rows], declarations[rows], states[rows])[
                : n - start
            ]
        return answer
