"""What a training learns from, in batches: token arrays, or fresh deals that are solved while the network learns.

Rows of token arrays are taken by index from whole arrays. Fresh deals come in blocks, in the order of their seeds; a
block's samples are shuffled together. Either order can be stopped and resumed: where it stands is a few numbers, and
what a block holds depends on the settings and its number alone, so a stopped run makes the block again in which it
stood.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from enum import IntEnum
from multiprocessing.pool import Pool
from threading import Event
from typing import NamedTuple, Protocol

import lightning.pytorch as pl
import numpy as np
import polars
import torch
from jaxtyping import Bool, Int8, Int64
from torch import Tensor

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

VALIDATION_BATCH = 4096

MANY_THREADS = 4
"""From so many on, blocks are made by processes of one thread each: in one process they would wait for each other, and
the training for them, whenever they run Python."""
_AHEAD = 2  # blocks that are being made while the network learns from another one; by processes, one each and one more


class Purpose(IntEnum):
    """What a random stream of the training is for; with the seed it is the stream's key. `tokens.arrays.draw` has 2."""

    ORDER = 1
    BLOCK = 3


def random_stream(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """The random stream of a purpose."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, *counters])))


class Batch(NamedTuple):
    """Samples as tensors; the fields are those of TokenArrays."""

    tokens: Int8[Tensor, "batch 32 9"]
    mask: Bool[Tensor, "batch 32"]
    legal: Bool[Tensor, "batch 7"]
    q: Int8[Tensor, "batch 7"]
    v: Int8[Tensor, "batch"]


def take(arrays: TokenArrays, rows: Int64[np.ndarray, "batch"] | slice) -> Batch:
    """The samples in the given rows."""
    return Batch(*(torch.from_numpy(getattr(arrays, name)[rows]) for name in Batch._fields))


class Source(Protocol):
    """An endless sequence of training batches, cut into epochs, that can be stopped and resumed."""

    def __len__(self) -> int:
        """Batches in an epoch."""
        ...

    def __iter__(self) -> Iterator[Batch]:
        """The batches that are left of the present epoch, or those of the next one."""
        ...

    def state_dict(self) -> dict[str, int]:
        """Where the sequence stands."""
        ...

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where a sequence stood."""
        ...

    def close(self) -> None:
        """Prepare nothing more."""
        ...


class TrainBatches:
    """An endless sequence of shuffled passes through the samples, cut into equal batches and those into epochs.

    Where it stands is one number, so a stopped run goes on with the very batch that would have come next. Lightning
    stores it with the checkpoint through `state_dict`.
    """

    def __init__(self, arrays: TokenArrays, settings: TrainSettings) -> None:
        self._arrays = arrays
        self._seed = settings.seed
        self._batch_size = settings.batch_size
        self._steps_per_epoch = max(1, (settings.samples_per_epoch or len(arrays)) // settings.batch_size)
        self._drawn = 0
        self._pass: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._steps_per_epoch

    def __iter__(self) -> Iterator[Batch]:
        """The batches that are left of the present epoch, or those of the next one."""
        for _ in range(self._steps_per_epoch - self._drawn % self._steps_per_epoch):
            self._drawn += 1
            yield take(self._arrays, self.rows(self._drawn - 1))

    def rows(self, batch: int) -> Int64[np.ndarray, "batch"]:
        """The rows of a batch, counted from the beginning of the training."""
        n, first = len(self._arrays), batch * self._batch_size
        taken: list[np.ndarray] = []
        while (missing := self._batch_size - sum(map(len, taken))) > 0:
            position = first + self._batch_size - missing
            taken.append(self._order(position // n)[position % n :][:missing])
        return np.concatenate(taken)

    def _order(self, number: int) -> Int64[np.ndarray, "n"]:
        if self._pass is None or self._pass[0] != number:
            self._pass = number, random_stream(self._seed, Purpose.ORDER, number).permutation(len(self._arrays))
        return self._pass[1]

    def state_dict(self) -> dict[str, int]:
        """Where the sequence stands."""
        return {"drawn": self._drawn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where a sequence stood."""
        self._drawn = state["drawn"]

    def close(self) -> None:
        """Nothing is prepared ahead."""


class ValidationBatches:
    """All samples once, in their order."""

    def __init__(self, arrays: TokenArrays) -> None:
        self._arrays = arrays

    def __len__(self) -> int:
        return -(-len(self._arrays) // VALIDATION_BATCH)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self._arrays), VALIDATION_BATCH):
            yield take(self._arrays, slice(first, first + VALIDATION_BATCH))


class TrainData(pl.LightningDataModule):
    """What a training run learns from, and the samples that validation looks at."""

    def __init__(self, train_batches: Source, validation: TokenArrays) -> None:
        super().__init__()
        self.train_batches = train_batches
        self.validation = validation

    def train_dataloader(self) -> Source:
        """The training samples, shuffled, without end."""
        return self.train_batches

    def val_dataloader(self) -> ValidationBatches:
        """The validation samples in their order."""
        return ValidationBatches(self.validation)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """The share of a training batch that this process learns from, when several learn together."""
        trainer = self.trainer
        if trainer is None or not trainer.training or trainer.world_size == 1:
            return batch
        return Batch(*(part[trainer.global_rank :: trainer.world_size] for part in batch))

    def state_dict(self) -> dict[str, int]:
        """Where the training samples stand; Lightning drops what loaders say of themselves between two epochs."""
        return self.train_batches.state_dict()

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from there."""
        self.train_batches.load_state_dict(state_dict)


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
        return samples.of(order)

    def _solved_samples(self, request: DealRequest) -> TokenArrays:
        self._go_on()
        return self._samples(request, solve(request.deal(), request.declaration))

    def _go_on(self) -> None:
        if self.closed.is_set():
            raise CancelledError

    def _samples(self, request: DealRequest, table: SolvedDeal) -> TokenArrays:
        settings = self._settings.stream
        frame = polars.concat(sampled_rows(table, sampling_of(request, settings.shards)))
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
