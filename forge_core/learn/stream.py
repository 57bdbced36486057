"""Training samples that never run out: fresh deals, solved while the network learns from the ones before.

Deals come in blocks, in the order of their seeds; a block's samples are shuffled together. What a block holds depends
on the settings and its number alone, so a stopped run goes on by making the block again in which it stood.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from multiprocessing.pool import Pool
from threading import Event
from typing import Protocol

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

MANY_THREADS = 4
"""From so many on, blocks are made by processes of one thread each: in one process they would wait for each other, and
the training for them, whenever they run Python."""
_AHEAD = 2  # blocks that are being made while the network learns from another one; by processes, one each and one more


class Makers(Protocol):
    """Something that makes blocks while the network learns."""

    ahead: int

    def begin(self, number: int) -> Callable[[], TokenArrays]:
        """Begin a block that will be asked for; the answer waits for it."""
        ...

    def close(self) -> None:
        """Begin nothing more, and give up what is begun as soon as possible."""
        ...


class StreamBatches:
    """An endless sequence of batches of fresh samples, cut into epochs.

    A batch never holds samples of two blocks; what is left of a block and fills no batch is dropped. Where the sequence
    stands are three numbers, which Lightning stores with the checkpoint through `state_dict`.

    threads  deals that are solved at a time on the CPU, by processes from MANY_THREADS on; on `device` they are solved
             a block at a time, and the threads encode the samples
    waited   seconds that the training had to wait for samples
    """

    def __init__(self, settings: TrainSettings, *, threads: int = 1, device: Device | None = None) -> None:
        self.waited = 0.0
        self._settings = settings
        self._drawn = self._block = self._from_block = 0
        self._coming: deque[tuple[int, Callable[[], TokenArrays]]] = deque()
        many = device is None and threads >= MANY_THREADS
        self._makers: Makers = _Processes(settings, threads) if many else _Thread(settings, threads, device)

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
            self._coming.popleft()
        for number in range(self._block + len(self._coming), self._block + 1 + self._makers.ahead):
            self._coming.append((number, self._makers.begin(number)))
        start = time.perf_counter()
        samples = self._coming[0][1]()
        self.waited += time.perf_counter() - start
        return samples

    def close(self) -> None:
        """Prepare nothing more: of the block in the making only the deals in hand are still solved."""
        self._makers.close()

    def state_dict(self) -> dict[str, int]:
        """Where the sequence stands: batches drawn in all, the present block, batches drawn from it."""
        return {"drawn": self._drawn, "block": self._block, "from_block": self._from_block}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where a sequence stood."""
        self._drawn, self._block, self._from_block = state["drawn"], state["block"], state["from_block"]


class BlockMaker:
    """Makes the blocks of a stream; each depends on the settings and its number alone."""

    def __init__(self, settings: TrainSettings, threads: int, device: Device | None = None) -> None:
        self.closed = Event()
        self._settings, self._threads, self._device = settings, threads, device

    def block(self, number: int) -> TokenArrays:
        """The samples of a block, shuffled.

        Raises CancelledError once `closed` is set.
        """
        settings = self._settings.stream
        size = settings.deals_per_block
        seeds = train_seeds(number * size, size, first=settings.first_seed)
        requests = [DealRequest.standard(seed) for seed in seeds]
        with worker_threads(self._threads) as pool:
            if self._device is None:
                parts = list(pool.map(self._solved_samples, requests))
            else:
                parts = []
                deals, declarations = [each.deal() for each in requests], [each.declaration for each in requests]
                for batch in solve_batches(self._device, deals, declarations):
                    self._go_on()
                    parts += pool.map(self._samples, requests[len(parts) :], batch)
        samples = joined(parts)
        order = random_stream(self._settings.seed, Purpose.BLOCK, number).permutation(len(samples))
        return TokenArrays(**{name: getattr(samples, name)[order] for name in TokenArrays.__dataclass_fields__})

    def _solved_samples(self, request: DealRequest) -> TokenArrays:
        self._go_on()
        return self._samples(request, solve(request.deal(), request.declaration))

    def _go_on(self) -> None:
        if self.closed.is_set():
            raise CancelledError

    def _samples(self, request: DealRequest, table: SolvedDeal) -> TokenArrays:
        settings = self._settings.stream
        frame = pl.concat(sampled_rows(table, sampling_of(request, settings.shards)))
        chosen = choose_rows(frame, settings.tokens, most=None, key=request.seed)
        dominoes = table.deal.dominoes
        return to_samples(chosen, dominoes, declaration=request.declaration, seed=request.seed)


class _Thread:
    """A thread beside the training, which hands the deals of one block after another to its threads."""

    ahead = _AHEAD

    def __init__(self, settings: TrainSettings, threads: int, device: Device | None) -> None:
        self._maker = BlockMaker(settings, threads, device)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")

    def begin(self, number: int) -> Callable[[], TokenArrays]:
        return self._thread.submit(self._maker.block, number).result

    def close(self) -> None:
        self._maker.closed.set()
        self._thread.shutdown(wait=True, cancel_futures=True)


class _Processes:
    """Processes beside the training, each of which makes a block with one thread. They end with this one."""

    def __init__(self, settings: TrainSettings, processes: int) -> None:
        self.ahead = processes + 1
        self._settings = settings
        self._pool: Pool = multiprocessing.get_context("spawn").Pool(processes, _leave_interrupts_to_the_parent)

    def begin(self, number: int) -> Callable[[], TokenArrays]:
        return self._pool.apply_async(_block, (self._settings, number)).get

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _block(settings: TrainSettings, number: int) -> TokenArrays:
    return BlockMaker(settings, 1).block(number)
