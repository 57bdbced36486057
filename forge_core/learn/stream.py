"""Training samples that never run out: fresh deals, solved while the network learns from the ones before.

Deals come in blocks, in the order of their seeds; a block's samples are shuffled together. What a block holds depends
on the settings and its number alone, so a stopped run goes on by making the block again in which it stood.
"""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import chain
from threading import Event

import polars as pl

from forge_core.learn.batches import Batch, Purpose, random_stream, take
from forge_core.learn.settings import TrainSettings
from forge_core.shards.request import DealRequest
from forge_core.shards.rows import sampled_rows
from forge_core.shards.sampling import sampling_of
from forge_core.shards.split import train_seeds
from forge_core.solver.gpu import Device, solve_batches
from forge_core.solver.solved import SolvedDeal
from forge_core.solver.value_table import solve
from forge_core.threads import worker_threads
from forge_core.tokens.arrays import TokenArrays, joined
from forge_core.tokens.samples import choose_rows, to_samples

_AHEAD = 2  # blocks that are being made while the network learns from another one


class StreamBatches:
    """An endless sequence of batches of fresh samples, cut into epochs.

    A batch never holds samples of two blocks; what is left of a block and fills no batch is dropped. Where the sequence
    stands are three numbers, which Lightning stores with the checkpoint through `state_dict`.

    threads  deals that are solved at a time on the CPU; on `device` they are solved a block at a time
    waited   seconds that the training had to wait for samples
    """

    def __init__(self, settings: TrainSettings, *, threads: int = 1, device: Device | None = None) -> None:
        self.waited = 0.0
        self._settings = settings
        self._threads, self._device = threads, device
        self._drawn = self._block = self._from_block = 0
        self._coming: deque[tuple[int, Future[TokenArrays]]] = deque()
        self._closed = Event()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="stream")

    def __len__(self) -> int:
        """Batches in an epoch."""
        return max(1, self._settings.stream_epoch // self._settings.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """The batches that are left of the present epoch, or those of the next one."""
        size = self._settings.batch_size
        left = len(self) - self._drawn % len(self)
        while left:
            samples = self._fetch()
            while left and (self._from_block + 1) * size <= len(samples):
                first = self._from_block * size
                self._drawn, self._from_block, left = self._drawn + 1, self._from_block + 1, left - 1
                yield take(samples, slice(first, first + size))
            if left:
                self._block, self._from_block = self._block + 1, 0

    def _fetch(self) -> TokenArrays:
        """The present block; it and those to come are in the making from here on."""
        while self._coming and self._coming[0][0] != self._block:
            self._coming.popleft()[1].cancel()
        for number in range(self._block + len(self._coming), self._block + 1 + _AHEAD):
            self._coming.append((number, self._maker.submit(self.block, number)))
        start = time.perf_counter()
        samples = self._coming[0][1].result()
        self.waited += time.perf_counter() - start
        return samples

    def block(self, number: int) -> TokenArrays:
        """The samples of a block, shuffled."""
        settings = self._settings.stream
        size = settings.deals_per_block
        seeds = train_seeds(number * size, size, first=settings.first_seed)
        requests = [DealRequest.standard(seed) for seed in seeds]
        if self._device is None:
            with worker_threads(self._threads) as pool:
                parts = list(pool.map(self._solved_samples, requests))
        else:
            batches = solve_batches(self._device, [r.deal() for r in requests], [r.declaration for r in requests])
            tables = chain.from_iterable(batches)
            parts = [self._samples(request, table) for request, table in zip(requests, tables, strict=True)]
        samples = joined(parts)
        order = random_stream(self._settings.seed, Purpose.BLOCK, number).permutation(len(samples))
        return TokenArrays(**{name: getattr(samples, name)[order] for name in TokenArrays.__dataclass_fields__})

    def _solved_samples(self, request: DealRequest) -> TokenArrays:
        if self._closed.is_set():
            raise CancelledError
        return self._samples(request, solve(request.deal(), request.declaration))

    def _samples(self, request: DealRequest, table: SolvedDeal) -> TokenArrays:
        settings = self._settings.stream
        frame = pl.concat(sampled_rows(table, sampling_of(request, settings.shards)))
        chosen = choose_rows(frame, settings.tokens, most=None, key=request.seed)
        dominoes = table.deal.dominoes
        return to_samples(chosen, dominoes, declaration=request.declaration, seed=request.seed)

    def close(self) -> None:
        """Prepare nothing more: of the block in the making only the deals in hand are still solved."""
        self._closed.set()
        self._maker.shutdown(wait=True, cancel_futures=True)

    def state_dict(self) -> dict[str, int]:
        """Where the sequence stands: batches drawn in all, the present block, batches drawn from it."""
        return {"drawn": self._drawn, "block": self._block, "from_block": self._from_block}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where a sequence stood."""
        self._drawn, self._block, self._from_block = state["drawn"], state["block"], state["from_block"]
