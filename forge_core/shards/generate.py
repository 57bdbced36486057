"""From a deal to its shard: solve, choose states, write."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int8, Int64

from forge_core.shards.request import DealRequest
from forge_core.shards.sampling import generator, sampling_key
from forge_core.shards.schema import Q_COLUMNS, SCHEMA_VERSION, STATE, VALUE, ShardMetadata
from forge_core.shards.settings import ShardSettings
from forge_core.shards.write import write_shard
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.value_table import ValueTable, solve

__all__ = ["DealRequest", "ShardReceipt", "write_block", "write_deal"]


@dataclass(frozen=True, slots=True)
class ShardReceipt:
    """What came of a request.

    relative_path     where the shard lies in its folder
    rows              states in it
    reachable_states  states of the deal's whole game tree
    opening_value     V of the opening, points, team 0's view
    seconds           wall time spent on it
    """

    relative_path: Path
    rows: int
    reachable_states: int
    opening_value: int
    seconds: float


def write_deal(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt:
    """Solve a deal and write its shard into `folder`, atomically; an earlier shard of that name is replaced."""
    start = time.perf_counter()
    table = solve(request.deal(), request.declaration)
    key = sampling_key(request, "uniform")
    states = table.sample(settings.states_per_deal, generator(key))
    metadata = ShardMetadata(
        schema_version=SCHEMA_VERSION,
        seed=request.seed,
        opponent_seed=request.opponent_seed,
        declaration=request.declaration,
        dominoes=table.deal.dominoes,
        sampling="uniform",
        sampling_key=f"{key:032x}",
        states_per_deal=settings.states_per_deal,
        rows=len(states),
        reachable_states=table.reachable_states,
        opening_value=table.opening_value,
        solver_version=SOLVER_VERSION,
    )
    write_shard(folder / request.relative_path(), metadata, [_rows(table, np.sort(states))])
    seconds = time.perf_counter() - start
    return ShardReceipt(
        request.relative_path(), len(states), metadata.reachable_states, metadata.opening_value, seconds
    )


def write_block(
    requests: Sequence[DealRequest],
    settings: ShardSettings,
    folder: Path,
    *,
    threads: int = 2,
    on_progress: Callable[[ShardReceipt], None] | None = None,
) -> list[ShardReceipt]:
    """Write the shards of several deals, `threads` at a time; receipts in the order of the requests.

    `on_progress` is called in this thread, after each shard, in that order.
    """
    receipts: list[ShardReceipt] = []
    with ThreadPoolExecutor(threads) as pool:
        for receipt in pool.map(lambda request: write_deal(request, settings, folder), requests):
            receipts.append(receipt)
            if on_progress is not None:
                on_progress(receipt)
    return receipts


def _rows(table: ValueTable, states: Int64[np.ndarray, "n"]) -> pl.DataFrame:
    q: Int8[np.ndarray, "n 7"] = table.q(states)
    columns = {name: np.ascontiguousarray(q[:, slot]) for slot, name in enumerate(Q_COLUMNS)}
    return pl.DataFrame({STATE: states, VALUE: table.value(states), **columns})
