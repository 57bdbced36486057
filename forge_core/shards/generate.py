"""From a deal to its shard: solve, choose states, write."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
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
from forge_core.solver.gpu import Device, solve_batches
from forge_core.solver.solved import SolvedDeal
from forge_core.solver.value_table import solve

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
    seconds           wall time spent on it; on a device, without the time that solving it together with others took
    """

    relative_path: Path
    rows: int
    reachable_states: int
    opening_value: int
    seconds: float
    outcome: Outcome


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
    device: Device | None = None,
    on_progress: Callable[[ShardReceipt], None] | None = None,
) -> list[ShardReceipt]:
    """Write the shards of several deals, `threads` at a time; receipts in the order of the requests.

    The deals are solved on the CPU, or together on `device`. Several generators may work on one folder: what another
    one is just making is left to it until everything else is done. `on_progress` is called in this thread, once a deal.
    """
    receipts: dict[DealRequest, ShardReceipt] = {}
    with ThreadPoolExecutor(threads) as pool:
        for request, receipt in _write_all(pool, requests, settings, folder, device):
            receipts[request] = receipt
            if on_progress is not None:
                on_progress(receipt)
    return [receipts[request] for request in requests]


def _write_all(
    pool: Executor, requests: Sequence[DealRequest], settings: ShardSettings, folder: Path, device: Device | None
) -> Iterator[tuple[DealRequest, ShardReceipt]]:
    if device is None:
        first = pool.map(partial(_write_if_free, settings=settings, folder=folder), requests)
    else:
        first = _write_together(pool, requests, settings, folder, device)
    others: list[DealRequest] = []
    for request, receipt in zip(requests, first, strict=True):
        if receipt is None:
            others.append(request)
        else:
            yield request, receipt
    yield from zip(others, pool.map(partial(write_deal, settings=settings, folder=folder), others), strict=True)


def _write_if_free(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt | None:
    """The receipt; None when another generator is just making the shard."""
    with claim(folder / request.relative_path(), wait=False) as temporary:
        if temporary is not None:
            return _made(request, settings, folder, temporary)
    return _kept_if_sound(request, settings, folder)


def _write_together(
    pool: Executor, requests: Sequence[DealRequest], settings: ShardSettings, folder: Path, device: Device
) -> Iterator[ShardReceipt | None]:
    """As `_write_if_free`, one for each request, solved side by side on a device."""
    with ExitStack() as claims:
        claimed = [claims.enter_context(claim(folder / request.relative_path(), wait=False)) for request in requests]
        mine = [(request, file) for request, file in zip(requests, claimed, strict=True) if file is not None]
        tables = solve_batches(device, [r.deal() for r, _ in mine], [r.declaration for r, _ in mine])
        saved = pool.map(lambda job, table: _save(table, job[0], settings, folder, job[1]), mine, tables)
        for request, file in zip(requests, claimed, strict=True):
            yield _kept_if_sound(request, settings, folder) if file is None else next(saved)


def _made(request: DealRequest, settings: ShardSettings, folder: Path, temporary: Path) -> ShardReceipt:
    start = time.perf_counter()
    receipt = _save(solve(request.deal(), request.declaration), request, settings, folder, temporary)
    return replace(receipt, seconds=time.perf_counter() - start)


def _save(
    table: SolvedDeal, request: DealRequest, settings: ShardSettings, folder: Path, temporary: Path
) -> ShardReceipt:
    start = time.perf_counter()
    rows, outcome = 0, Outcome.SKIPPED
    if settings.max_states is None or table.reachable_states <= settings.max_states:
        metadata = _metadata(request, settings, table)
        rows = write_shard(temporary, folder / request.relative_path(), metadata, _rows(table, metadata))
        outcome = Outcome.WRITTEN
    seconds = time.perf_counter() - start
    return ShardReceipt(request.relative_path(), rows, table.reachable_states, table.opening_value, seconds, outcome)


def _kept_if_sound(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt | None:
    return _kept(request, settings, folder) if is_sound(folder / request.relative_path()) else None


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


def _metadata(request: DealRequest, settings: ShardSettings, table: SolvedDeal) -> ShardMetadata:
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


def _rows(table: SolvedDeal, metadata: ShardMetadata) -> Iterator[pl.DataFrame]:
    if metadata.sampling is not None:
        return sampled_rows(table, metadata.sampling)
    return table_rows(table) if metadata.keep is Keep.TABLE else all_rows(table)
