"""The values of a deal, read back from a shard that keeps the table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int8, Int64

from forge_core.errors import InputError
from forge_core.rules import Deal
from forge_core.shards.plays import legal_slots, play
from forge_core.shards.read import read_shard
from forge_core.shards.schema import STATE, VALUE
from forge_core.shards.settings import Keep
from forge_core.solver import state
from forge_core.solver.deal_rules import DealRules, deal_rules
from forge_core.solver.solved import best_of, unreachable
from forge_core.solver.state import ILLEGAL


@dataclass(frozen=True, slots=True)
class StoredTable:
    """V and Q of every reachable state of a deal, by at most four plies from the stored states between tricks.

    All values are points to go from team 0's view.
    """

    deal: Deal
    declaration: int
    _rules: DealRules
    _states: Int64[np.ndarray, "b"]
    _values: Int8[np.ndarray, "b"]

    def value(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n"]:
        """V of reachable packed states. Raises InputError for a state that play cannot reach."""
        states = np.asarray(states, dtype=np.int64)
        values = np.empty(len(states), dtype=np.int8)
        between = state.fields(states).n_played == 0
        values[between] = self._look_up(states[between])
        within = states[~between]
        if len(within):
            values[~between] = best_of(self.q(within), within)
        return values

    def q(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n 7"]:
        """Q of each slot of reachable packed states, -128 = illegal. Raises InputError for other states."""
        states = np.asarray(states, dtype=np.int64)
        q = np.full((len(states), 7), ILLEGAL, dtype=np.int8)
        rows, slots = np.nonzero(legal_slots(self._rules, states))
        if len(rows):
            after = play(self._rules, states[rows], slots)
            q[rows, slots] = after.points + self.value(after.states)
        return q

    def _look_up(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n"]:
        places = np.searchsorted(self._states, states).clip(max=len(self._states) - 1)
        missed = states[self._states[places] != states]
        if len(missed):
            raise unreachable(int(missed[0]))
        return self._values[places]


def read_table(path: Path) -> StoredTable:
    """The stored table of a deal. Raises InputError for a shard that keeps something else, and as `read_shard`."""
    shard = read_shard(path)
    metadata = shard.metadata
    if metadata.keep is not Keep.TABLE:
        raise InputError.of(
            got=f"{path}, which keeps {metadata.keep.value}",
            expected=f"a shard that keeps the {Keep.TABLE.value}",
            remedy="read its rows, or generate the deal again with another `keep`",
        )
    rows = shard.frame.sort(STATE)
    deal = Deal.of(metadata.dominoes)
    rules = deal_rules(deal, metadata.declaration)
    return StoredTable(deal, metadata.declaration, rules, rows[STATE].to_numpy(), rows[VALUE].to_numpy())
