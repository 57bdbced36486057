"""From a deal to its shard: solve, choose states, write."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import polars as pl

from forge_core.errors import InputError
from forge_core.shards.manifest import is_sound
from forge_core.shards.read import read_metadata
from forge_core.shards.request import DealRequest
from forge_core.shards.rows import all_rows, sampled_rows, table_rows
from forge_core.shards.sampling import sampling_of
from forge_core.shards.schema import SCHEMA_VERSION, Sampling, ShardMetadata
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.write import claim, write_shard
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.value_table import ValueTable, solve

__all__ = ["DealRequest", "Outcome", "ShardReceipt", "write_block", "write_deal"]


class Outcome(StrEnum):
    """What was done about a request: its shard was written, was there already, or the deal was too large."""

    WRITTEN = "written"
    KEPT = "kept"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ShardReceipt:
    """What came of a request.

    relative_path     where the shard lies in its folder
    rows              states in it; 0 when it was skipped
    reachable_states  states of the deal's whole game tree
    opening_value     V of the opening, points, team 0's view
    seconds           wall time spent on it
    """

    relative_path: Path
    rows: int
    reachable_states: int
    opening_value: int
    seconds: float
    outcome: Outcome = Outcome.WRITTEN


def write_deal(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt:
    """Solve a deal and write its shard into `folder`, atomically. A sound shard that is there already is kept.

    When another generator is just making this shard, it is waited for. Raises InputError when the shard that is there
    was made with other settings.
    """
    with claim(folder / request.relative_path(), wait=True) as temporary:
        return _kept(request, settings, folder) if temporary is None else _made(request, settings, folder, temporary)


def write_block(
    requests: Sequence[DealRequest],
    settings: ShardSettings,
    folder: Path,
    *,
    threads: int = 2,
    on_progress: Callable[[ShardReceipt], None] | None = None,
) -> list[ShardReceipt]:
    """Write the shards of several deals, `threads` at a time; receipts in the order of the requests.

    Several generators may work on one folder: what another one is just making is left to it until everything else is
    done. `on_progress` is called in this thread, once a deal.
    """
    receipts: dict[DealRequest, ShardReceipt] = {}
    with ThreadPoolExecutor(threads) as pool:
        for work in (_write_if_free, write_deal):
            todo = [request for request in requests if request not in receipts]
            results = pool.map(partial(work, settings=settings, folder=folder), todo)
            for request, receipt in zip(todo, results, strict=True):
                if receipt is not None:
                    receipts[request] = receipt
                    if on_progress is not None:
                        on_progress(receipt)
    return [receipts[request] for request in requests]


def _write_if_free(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt | None:
    path = folder / request.relative_path()
    with claim(path, wait=False) as temporary:
        if temporary is not None:
            return _made(request, settings, folder, temporary)
    return _kept(request, settings, folder) if is_sound(path) else None


def _made(request: DealRequest, settings: ShardSettings, folder: Path, temporary: Path) -> ShardReceipt:
    start = time.perf_counter()
    table = solve(request.deal(), request.declaration)
    skipped = settings.max_states is not None and table.reachable_states > settings.max_states
    rows = 0
    if not skipped:
        metadata = _metadata(request, settings, table)
        rows = write_shard(temporary, folder / request.relative_path(), metadata, _rows(table, metadata))
    return ShardReceipt(
        request.relative_path(),
        rows,
        table.reachable_states,
        table.opening_value,
        time.perf_counter() - start,
        Outcome.SKIPPED if skipped else Outcome.WRITTEN,
    )


def _kept(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt:
    path = folder / request.relative_path()
    there = read_metadata(path)
    if (there.keep, there.sampling) != (settings.keep, _sampling(request, settings)):
        raise InputError.of(
            got=f"{path}, made with {there.keep} {there.sampling or ''}",
            expected=f"shards made with {settings.keep} {_sampling(request, settings) or ''}",
            remedy="choose another folder, or the settings that this one was made with",
        )
    return ShardReceipt(
        request.relative_path(), there.rows, there.reachable_states, there.opening_value, 0.0, Outcome.KEPT
    )


def _sampling(request: DealRequest, settings: ShardSettings) -> Sampling | None:
    return sampling_of(request, settings) if settings.keep is Keep.SAMPLES else None


def _metadata(request: DealRequest, settings: ShardSettings, table: ValueTable) -> ShardMetadata:
    return ShardMetadata(
        schema_version=SCHEMA_VERSION,
        solver_version=SOLVER_VERSION,
        seed=request.seed,
        opponent_seed=request.opponent_seed,
        declaration=request.declaration,
        dominoes=table.deal.dominoes,
        keep=settings.keep,
        rows=0,
        reachable_states=table.reachable_states,
        opening_value=table.opening_value,
        sampling=_sampling(request, settings),
    )


def _rows(table: ValueTable, metadata: ShardMetadata) -> Iterator[pl.DataFrame]:
    if metadata.sampling is not None:
        return sampled_rows(table, metadata.sampling)
    return table_rows(table) if metadata.keep is Keep.TABLE else all_rows(table)
