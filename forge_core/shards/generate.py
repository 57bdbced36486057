"""From a deal to its shard: solve, choose states, write."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import polars as pl

from forge_core.datasets.base import Outcome, Receipt, claim
from forge_core.shards.dataset import Shards
from forge_core.shards.read import read_metadata
from forge_core.shards.request import DealRequest
from forge_core.shards.rows import all_rows, sampled_rows, table_rows
from forge_core.shards.sampling import sampling_of
from forge_core.shards.schema import SCHEMA_VERSION, Sampling, ShardMetadata
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.skipped import SkippedDeal
from forge_core.shards.write import write_shard
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.gpu import Device, solve_batches
from forge_core.solver.solved import SolvedDeal
from forge_core.solver.value_table import solve
from forge_core.threads import worker_threads

__all__ = ["DealRequest", "Outcome", "ShardReceipt", "write_block", "write_deal"]


@dataclass(frozen=True, slots=True)
class ShardReceipt(Receipt):
    """What came of a deal.

    Attributes:
        rows: states in the shard; 0 when it was skipped.
        reachable_states: states of the deal's whole game tree.
        opening_value: V of the opening, points, team 0's view.
        seconds: wall time spent on it; on a device, without the time that solving it together with others took.
    """

    rows: int
    reachable_states: int
    opening_value: int
    seconds: float = 0.0


def write_deal(request: DealRequest, settings: ShardSettings, folder: Path) -> ShardReceipt:
    """Solve a deal and write its shard into `folder`, atomically. A sound shard that is there already is kept.

    Of a deal that is too large a hidden note is left, so that it is solved once and not again by every later run.
    When another generator is just making this shard, it is waited for. Raises InputError when the shard that is there
    was made with other settings.
    """
    return _Generator(settings, folder).write(request)


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
    Raises InputError when a shard that is there was made with other settings.
    """
    generator = _Generator(settings, folder)
    receipts: dict[DealRequest, ShardReceipt] = {}

    def take(asked: Sequence[DealRequest], results: Iterable[ShardReceipt | None]) -> None:
        for request, receipt in zip(asked, results, strict=True):
            if receipt is not None:
                receipts[request] = receipt
                if on_progress is not None:
                    on_progress(receipt)

    with worker_threads(threads) as pool:
        try:
            if device is None:
                take(requests, pool.map(generator.write_if_free, requests))
            else:
                take(requests, generator.write_together(requests, pool, device=device))
            busy = [request for request in requests if request not in receipts]
            take(busy, pool.map(generator.write, busy))
        except BaseException:  # a run that is cancelled does not go on with a deal, which may take minutes
            generator.stopped.set()
            raise
    return [receipts[request] for request in requests]


def _skipped(request: DealRequest, deal: SkippedDeal) -> ShardReceipt:
    return ShardReceipt(request.relative_path(), Outcome.SKIPPED, 0, deal.reachable_states, deal.opening_value)


@dataclass(frozen=True, slots=True)
class _Generator:
    """Writes shards of one kind into one folder, until it is `stopped`: then each thread gives its shard up."""

    settings: ShardSettings
    folder: Path
    stopped: Event = field(default_factory=Event)

    def write(self, request: DealRequest) -> ShardReceipt:
        """Write the shard, or wait for the generator that is just making it."""
        with self._claim(request, wait=True) as temporary:
            return self.kept(request) if temporary is None else self._make(request, temporary)

    def write_if_free(self, request: DealRequest) -> ShardReceipt | None:
        """Write the shard; None when another generator is just making it."""
        with self._claim(request, wait=False) as temporary:
            if temporary is not None:
                return self._make(request, temporary)
        return self._kept_if_sound(request)

    def write_together(
        self, requests: Sequence[DealRequest], pool: Executor, *, device: Device
    ) -> Iterator[ShardReceipt | None]:
        """As `write_if_free`, for each request; solved side by side on a device."""
        with ExitStack() as claims:
            files = [claims.enter_context(self._claim(request, wait=False)) for request in requests]
            known = [self._known_as_too_large(request) for request in requests]
            asked = list(zip(requests, files, known, strict=True))
            mine = [(request, file) for request, file, skipped in asked if file is not None and skipped is None]
            receipts = self._save_batches(mine, pool, device)
            for request, file, skipped in asked:
                yield self._kept_if_sound(request) if file is None else skipped or next(receipts)

    def _save_batches(
        self, jobs: Sequence[tuple[DealRequest, Path]], pool: Executor, device: Device
    ) -> Iterator[ShardReceipt]:
        """The shards of one batch are all written before the next batch takes the device's memory."""
        left = iter(jobs)
        for batch in solve_batches(device, [r.deal() for r, _ in jobs], [r.declaration for r, _ in jobs]):
            yield from pool.map(lambda table, job: self._save(table, *job), batch, left)

    def _make(self, request: DealRequest, temporary: Path) -> ShardReceipt:
        if (skipped := self._known_as_too_large(request)) is not None:
            return skipped
        start = time.perf_counter()
        receipt = self._save(solve(request.deal(), request.declaration), request, temporary)
        return replace(receipt, seconds=time.perf_counter() - start)

    def _save(self, table: SolvedDeal, request: DealRequest, temporary: Path) -> ShardReceipt:
        start = time.perf_counter()
        size = SkippedDeal(reachable_states=table.reachable_states, opening_value=table.opening_value)
        if size.exceeds(self.settings.max_states):
            size.write(self._path(request))
            return _skipped(request, size)
        metadata = self._metadata(request, table)
        frames = self._until_stopped(_frames(table, metadata))
        rows = write_shard(temporary, self._path(request), metadata=metadata, frames=frames)
        seconds = time.perf_counter() - start
        return ShardReceipt(
            request.relative_path(), Outcome.WRITTEN, rows, table.reachable_states, table.opening_value, seconds
        )

    def _until_stopped(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            if self.stopped.is_set():
                raise CancelledError
            yield frame

    def _known_as_too_large(self, request: DealRequest) -> ShardReceipt | None:
        """The receipt of a deal that an earlier run found larger than this run allows."""
        deal = SkippedDeal.read(self._path(request))
        return _skipped(request, deal) if deal is not None and deal.exceeds(self.settings.max_states) else None

    def _kept_if_sound(self, request: DealRequest) -> ShardReceipt | None:
        return self.kept(request) if self._shards.is_sound(self._path(request)) else None

    def kept(self, request: DealRequest) -> ShardReceipt:
        """The receipt of a shard that is there; InputError when it was made with other settings."""
        self._shards.check_settings(self._path(request))
        there = read_metadata(self._path(request))
        return ShardReceipt(
            request.relative_path(), Outcome.KEPT, there.rows, there.reachable_states, there.opening_value
        )

    @property
    def _shards(self) -> Shards:
        return Shards(self.settings)

    def _claim(self, request: DealRequest, *, wait: bool) -> AbstractContextManager[Path | None]:
        return claim(self._path(request), wait=wait, is_sound=self._shards.is_sound)

    def _path(self, request: DealRequest) -> Path:
        return self.folder / request.relative_path()

    def _sampling(self, request: DealRequest) -> Sampling | None:
        return sampling_of(request, self.settings) if self.settings.keep is Keep.SAMPLES else None

    def _metadata(self, request: DealRequest, table: SolvedDeal) -> ShardMetadata:
        return ShardMetadata(
            schema_version=SCHEMA_VERSION,
            solver_version=SOLVER_VERSION,
            seed=request.seed,
            opponent_seed=request.opponent_seed,
            declaration=request.declaration,
            dominoes=table.deal.dominoes,
            keep=self.settings.keep,
            rows=0,
            reachable_states=table.reachable_states,
            opening_value=table.opening_value,
            sampling=self._sampling(request),
        )


def _frames(table: SolvedDeal, metadata: ShardMetadata) -> Iterator[pl.DataFrame]:
    if metadata.sampling is not None:
        return sampled_rows(table, metadata.sampling)
    return table_rows(table) if metadata.keep is Keep.TABLE else all_rows(table)
