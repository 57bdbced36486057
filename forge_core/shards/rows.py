"""The rows of a shard, in frames that fit in memory."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from jaxtyping import Int64

from forge_core.shards.sampling import sample_states
from forge_core.shards.schema import Q_COLUMNS, STATE, VALUE, Sampling
from forge_core.solver.solved import SolvedDeal, best_of

_AT_A_TIME = 1 << 18  # whole row groups


def sampled_rows(table: SolvedDeal, sampling: Sampling) -> Iterator[pl.DataFrame]:
    """The sampled states with V and q0..q6, ascending."""
    yield valued_rows(table, sample_states(table, sampling))


def all_rows(table: SolvedDeal) -> Iterator[pl.DataFrame]:
    """Every reachable state with V and q0..q6, by plays left from 28 down to 0, a quarter of a million at a time."""
    for start in range(0, table.reachable_states, _AT_A_TIME):
        stop = min(start + _AT_A_TIME, table.reachable_states)
        yield valued_rows(table, table.states(np.arange(start, stop)))


def table_rows(table: SolvedDeal) -> Iterator[pl.DataFrame]:
    """The reachable states between tricks with V, by plays left from 28 down to 0, a trick at a time."""
    by_plays_left = table.states_by_plays_left[::-1]  # from 28 plays left down
    starts = np.cumsum(by_plays_left) - by_plays_left
    for tricks, start, size in zip(range(7, -1, -1), starts[::4], by_plays_left[::4], strict=True):
        states = table.states(np.arange(start, start + size))
        yield pl.DataFrame({STATE: states, VALUE: table.boundary_values(tricks)})


def valued_rows(table: SolvedDeal, states: Int64[np.ndarray, "n"]) -> pl.DataFrame:
    """States with V and q0..q6."""
    q = table.q(states)
    columns = {name: np.ascontiguousarray(q[:, slot]) for slot, name in enumerate(Q_COLUMNS)}
    return pl.DataFrame({STATE: states, VALUE: best_of(q, states), **columns})
