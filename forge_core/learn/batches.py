"""Token arrays into batches: rows are taken by index from whole arrays, in an order that can be stopped and resumed."""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple, Protocol

import lightning.pytorch as pl
import numpy as np
import torch
from jaxtyping import Bool, Int8, Int64
from torch import Tensor

from forge_core.learn.settings import TrainSettings
from forge_core.tokens.dataset import TokenArrays

VALIDATION_BATCH = 4096


class Purpose(IntEnum):
    """What a random stream of the training is for; with the seed it is the stream's key."""

    ORDER = 1
    VALIDATION = 2
    BLOCK = 3


def random_stream(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """The random stream of a purpose."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, *counters])))


class Batch(NamedTuple):
    """Samples as tensors; the fields are those of TokenArrays."""

    tokens: Int8[Tensor, "batch 32 12"]
    mask: Bool[Tensor, "batch 32"]
    legal: Bool[Tensor, "batch 7"]
    q: Int8[Tensor, "batch 7"]
    v: Int8[Tensor, "batch"]


def take(arrays: TokenArrays, rows: Int64[np.ndarray, "batch"] | slice) -> Batch:
    """The samples in the given rows."""
    return Batch(*(torch.from_numpy(getattr(arrays, name)[rows]) for name in Batch._fields))


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


def draw(arrays: TokenArrays, n: int | None, seed: int) -> TokenArrays:
    """At most n of the samples, drawn uniformly and kept in their order; all of them where n is None."""
    if n is None or n >= len(arrays):
        return arrays
    rows = np.sort(random_stream(seed, Purpose.VALIDATION).choice(len(arrays), n, replace=False))
    return TokenArrays(**{name: getattr(arrays, name)[rows] for name in TokenArrays.__dataclass_fields__})
