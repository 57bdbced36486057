"""What every solved deal answers, wherever its table lies."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Int8, Int64

from forge_core.errors import InputError
from forge_core.rules import Deal
from forge_core.solver.state import ILLEGAL, OPENING, fields


class SolvedDeal(ABC):
    """V and Q of every reachable state of a deal; all values are points to go from team 0's view."""

    deal: Deal
    declaration: int

    @property
    @abstractmethod
    def states_by_plays_left(self) -> Int64[np.ndarray, "29"]:
        """[d] -> the number of reachable states with d plays left."""

    @abstractmethod
    def states(self, ranks: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """The packed states of the given numbers 0 <= rank < reachable_states, ascending: a bijection.

        The numbering goes by plays left, 28 first, and is fixed by the deal and the declaration.
        """

    @abstractmethod
    def q(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n 7"]:
        """Q of each slot of reachable packed states, team 0's view; -128 = illegal (at the end all of them).

        Raises InputError for a state that play cannot reach in this deal.
        """

    @abstractmethod
    def boundary_values(self, tricks: int) -> Int8[np.ndarray, "n"]:
        """V of the reachable states between tricks, with so many (0-7) left, in the order of their ranks.

        Points to go, team 0's view: what the table holds, without a search.
        """

    @property
    def reachable_states(self) -> int:
        """The exact number of states of the game tree, mid-trick and final ones included."""
        return int(self.states_by_plays_left.sum())

    @property
    def opening_value(self) -> int:
        """V of the opening."""
        return int(self.value(np.array([OPENING]))[0])

    def value(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n"]:
        """V of reachable packed states, team 0's view; 0 at the end."""
        return best_of(self.q(states), states)

    def sample(self, n: int, rng: np.random.Generator) -> Int64[np.ndarray, "m"]:
        """Different states, drawn uniformly from all reachable ones that are not final, ascending by rank.

        m is n, or the number of such states where that is smaller.
        """
        open_states = self.reachable_states - int(self.states_by_plays_left[0])
        if n >= open_states:
            return self.states(np.arange(open_states))
        return self.states(np.sort(rng.choice(open_states, size=n, replace=False, shuffle=False)))


def unreachable(state: int) -> InputError:
    """The error for a state that play cannot reach."""
    return InputError.of(
        got=f"state {state}",
        expected="a state that play can reach in this deal",
        remedy="ask with the deal and the declaration that the state belongs to",
    )


def best_of(q: Int8[np.ndarray, "n 7"], states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n"]:
    """V from Q (team 0's view): the mover's best legal slot; 0 where no slot is legal."""
    legal = q != ILLEGAL
    highest = np.where(legal, q, np.int8(-127)).max(axis=1)
    lowest = np.where(legal, q, np.int8(127)).min(axis=1)
    best = np.where(fields(states).mover % 2 == 0, highest, lowest)
    return np.where(legal.any(axis=1), best, 0).astype(np.int8)
