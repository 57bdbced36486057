"""What a training step of a seat network does: games, losses, optimiser, averaged weights, the look at val deals."""

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from forge_core.learn.averages import AveragedModule
from forge_core.seat.encode import BIDDING, LEFT, MAY_HOLD, N_DOMINOES, N_PLANES
from forge_core.seat.games import Samples, played_games
from forge_core.seat.history import SeatEpoch
from forge_core.seat.model import POINTS_WEIGHT
from forge_core.seat.network import SeatAnswer, SeatNetwork
from forge_core.seat.settings import SeatSettings
from forge_core.seat.torch_model import torch_seat
from forge_core.shards.split import train_seeds

_POINTS_UNIT = 8.0
_WARM_UP = 0.02


class SeatBatch(NamedTuple):
    """Samples as tensors; see `Samples`."""

    inputs: Float[Tensor, "n 711"]
    slots: Int64[Tensor, "n 7"]
    legal: Bool[Tensor, "n 7"]
    points: Float[Tensor, "n 7 43"]
    needed: Int64[Tensor, "n"]
    holders: Int64[Tensor, "n 28"]

    @classmethod
    def of(cls, samples: Samples) -> "SeatBatch":
        """The samples."""
        s = samples
        parts = (s.inputs, s.slots, s.legal, s.points, s.needed, s.holders.astype(np.int64))
        return cls(*map(torch.from_numpy, parts))


class SeatModule(AveragedModule[SeatNetwork]):
    """A seat network in training; `epochs` is its history, and travels in the checkpoint.

    While an epoch is learned the games of the next one are played, so both cores of a small machine have work: they
    are played by `playing`, the averaged weights as they were when this epoch began.

    validation  labelled decisions of val deals
    threads     of the games and their search
    """

    def __init__(self, network: SeatNetwork, settings: SeatSettings, validation: Samples, *, threads: int) -> None:
        super().__init__(network, settings.ema_decay)
        self.settings = settings
        self.playing = deepcopy(self.kept)
        self.epochs: list[SeatEpoch] = []
        self._validation, self._threads = validation, threads
        self._losses: list[Tensor] = []
        self._batches: list[SeatBatch] = []
        self._began = time.monotonic()
        self._pool = ThreadPoolExecutor(1)
        self._games: Future[Samples] | None = None
        self._loaded = -1

    def train_dataloader(self) -> DataLoader[SeatBatch]:
        """The batches of the present epoch; the games of the next one begin."""
        s, epoch = self.settings, len(self.epochs)  # Lightning asks for the last epoch's once more when it is resumed
        if epoch == self._loaded:
            return _loader(self._batches)
        games = self._games or self._pool.submit(self._play, epoch)
        samples = games.result()
        self.playing = deepcopy(self.kept)
        self._games = self._pool.submit(self._play, epoch + 1) if epoch + 1 < s.epochs else None
        order = np.random.Generator(np.random.Philox(key=[s.seed, epoch])).permutation(len(samples))
        steps = max(1, len(samples) // s.batch_size)
        self._batches = [SeatBatch.of(samples.of(rows)) for rows in np.array_split(order, steps)]
        self._loaded = epoch
        return _loader(self._batches)

    def _play(self, epoch: int) -> Samples:
        s = self.settings
        seeds = train_seeds(epoch * s.games_per_epoch, s.games_per_epoch, first=s.first_seed)
        return played_games(torch_seat(self.playing, threads=self._threads), s, seeds, threads=self._threads)

    def close(self) -> None:
        """End what plays in the background."""
        self._pool.shutdown(cancel_futures=True)

    def val_dataloader(self) -> DataLoader[SeatBatch]:
        """The val deals' decisions."""
        rows = np.arange(len(self._validation))
        return _loader(
            [SeatBatch.of(self._validation.of(part)) for part in np.array_split(rows, 1 + len(rows) // 4096)]
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        s = self.settings
        return torch.optim.AdamW(self.network.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay)

    def training_step(self, batch: SeatBatch, batch_idx: int) -> Tensor:
        """The loss of a batch. The learning rate rises at first, and falls to 0 as half a cosine wave."""
        done = (len(self.epochs) + batch_idx / len(self._batches)) / self.settings.epochs
        rate = min(1.0, (done + 1e-3) / _WARM_UP) * (1 + math.cos(math.pi * done)) / 2
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.settings.learning_rate * rate
        loss = loss_of(self.network(batch.inputs, batch.slots), batch, self.settings)
        self._losses.append(loss.detach())
        return loss

    def on_validation_epoch_start(self) -> None:
        """Sums from nothing."""
        self._sums = np.zeros(5)

    def validation_step(self, batch: SeatBatch, batch_idx: int) -> None:
        """Adds what the averaged weights choose and predict."""
        answer = self.kept(batch.inputs, batch.slots)
        self._sums += _looked_at(answer, batch)

    def on_validation_epoch_end(self) -> None:
        """Adds the epoch to the history."""
        nll, legal, make, points, n = self._sums
        before = self.epochs[-1].samples if self.epochs else 0
        self.epochs.append(
            SeatEpoch(
                epoch=len(self.epochs),
                samples=before + sum(len(batch.needed) for batch in self._batches),
                seconds=time.monotonic() - self._began,
                loss=float(torch.stack(self._losses).mean()) if self._losses else math.nan,
                nll=float(nll / legal),
                make=float(make / n),
                points=float(points / n),
            )
        )
        self._losses, self._began = [], time.monotonic()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The settings and the history travel along."""
        checkpoint["settings"] = self.settings.model_dump(mode="json")
        checkpoint["history"] = [epoch._asdict() for epoch in self.epochs]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The other way round."""
        self.epochs = [SeatEpoch(**epoch) for epoch in checkpoint["history"]]


def _loader(batches: list[SeatBatch]) -> DataLoader[SeatBatch]:
    return DataLoader(cast("Dataset[SeatBatch]", batches), batch_size=None)


def loss_of(answer: SeatAnswer, batch: SeatBatch, settings: SeatSettings) -> Float[Tensor, ""]:
    """Cross-entropy of the points, squared errors of the differences between a state's plays, cross-entropy of belief.

    All plays of a sample are labelled in one deal. What they share, above all the luck of that deal, drops out of the
    differences, and a choice depends on these alone.
    """
    chances, legal = batch.points.float(), batch.legal
    of_points = -(chances[legal] * answer.points[legal].log_softmax(-1)).sum(1).mean()
    made, points = _made_and_points(answer.points.softmax(-1), batch)
    makes, mean = _made_and_points(chances, batch)
    make = _differences(made - makes, legal)
    expected = _differences((points - mean) / _POINTS_UNIT, legal)
    belief = _belief_loss(answer.belief, batch)
    s = settings
    return of_points + s.make_weight * make + s.points_weight * expected + s.belief_weight * belief


def _made_and_points(chances: Tensor, batch: SeatBatch) -> tuple[Tensor, Tensor]:
    bins = torch.arange(chances.shape[-1], device=chances.device)
    reached = (bins >= batch.needed[:, None]).to(chances.dtype)
    return torch.einsum("nsk,nk->ns", chances, reached), chances @ bins.to(chances.dtype)


def _differences(error: Tensor, legal: Tensor) -> Tensor:
    """Mean squared error of what is left after each state's mean error, over legal slots."""
    error = torch.where(legal, error, 0.0)
    n = legal.sum(1, keepdim=True)
    return torch.where(legal, error - error.sum(1, keepdim=True) / n, 0.0).square().sum() / n.sum()


def _belief_loss(logits: Tensor, batch: SeatBatch) -> Tensor:
    planes = batch.inputs[:, : N_DOMINOES * N_PLANES].unflatten(1, (N_DOMINOES, N_PLANES))
    logits = torch.where(planes[:, :, MAY_HOLD] == 1, logits, -1e4)
    hidden = batch.holders > 0
    return functional.cross_entropy(logits[hidden], batch.holders[hidden] - 1)


def _looked_at(answer: SeatAnswer, batch: SeatBatch) -> np.ndarray:
    """(nats, how many legal slots, makes, points to go, decisions) of a batch, by the exact labels."""
    chances, legal = batch.points.float(), batch.legal
    nll = -(chances[legal] * answer.points[legal].log_softmax(-1)).sum()
    made, points = _made_and_points(answer.points.softmax(-1), batch)
    ours = batch.inputs[:, BIDDING, None] == 1
    worth = torch.where(ours, made + POINTS_WEIGHT * points, -made - POINTS_WEIGHT * points)
    chosen = torch.where(legal, worth, -torch.inf).argmax(1, keepdim=True)
    makes, got = (each.gather(1, chosen) for each in _made_and_points(chances, batch))
    left = batch.inputs[:, LEFT, None] * 42
    mine = torch.where(ours, 2 * got - left, left - 2 * got)
    won = torch.where(ours, makes, 1 - makes)
    return np.array([float(nll), float(legal.sum()), float(won.sum()), float(mine.sum()), float(len(got))])
