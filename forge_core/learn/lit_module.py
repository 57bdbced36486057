"""A network in training: what a step does, what a look at the validation split says, and what is kept of both.

ForgeModule has the losses, the optimiser and the schedule. The callbacks keep the history of the epochs, the best
weights and a checkpoint to go on from; all that is kept travels in the checkpoint, so a run can go on in another folder
or on another machine.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional

from forge_core.learn.averages import AveragedModule
from forge_core.learn.batches import Batch
from forge_core.learn.metrics import Metrics, measure_model
from forge_core.learn.model import KEY, PREVIOUS, RunIdentity
from forge_core.learn.network import POINTS_SCALE, Network
from forge_core.learn.plots import Epoch
from forge_core.learn.settings import TrainSettings
from forge_core.tokens.arrays import TokenArrays

MONITORED = "val/q_gap"
_NOT_LEGAL = -1e9


class ForgeModule(AveragedModule[Network]):
    """A network in training. `metrics` are those of the latest validation, of the weights that would be kept.

    validation   the samples that the validation batches hold, in their order
    total_steps  the step at which the learning rate reaches 0
    """

    metrics: Metrics

    def __init__(self, network: Network, settings: TrainSettings, *, validation: TokenArrays, total_steps: int) -> None:
        super().__init__(network, settings.ema_decay)
        self.settings = settings
        self.total_steps = total_steps
        self._validation = validation
        self._ask: Callable[..., tuple[Tensor, Tensor]] = network.forward
        self._answers: list[tuple[Tensor, Tensor]] = []

    def setup(self, stage: str) -> None:
        """Compiles what the training steps run, where the settings ask for it; what is kept is the network itself."""
        wanted = self.settings.compile
        if wanted == "on" or (wanted == "auto" and self.trainer.strategy.root_device.type == "cuda"):
            self._ask = torch.compile(self.network.forward)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        slots, value = self._ask(batch.tokens, batch.mask)
        return loss_of(slots, value, batch, self.settings)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collects what the kept network answers, in float32 as it will answer when it is trained."""
        with torch.autocast(self.device.type, enabled=False):
            slots, value = self.kept(batch.tokens, batch.mask)
        self._answers.append((slots.cpu(), value.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Measures the answers and logs the means over all samples as `val/<name>`."""
        slots, value = (torch.cat(part).numpy() for part in zip(*self._answers, strict=True))
        self._answers.clear()
        self.metrics = measure_model(slots, value, self._validation, predicts_q=self.network.kind == "qvalue")
        means = self.metrics.overall.model_dump(exclude={"samples"}, exclude_none=True)
        self.log_dict({f"val/{name}": mean for name, mean in means.items()}, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with weight decay on matrices only; warm-up and cosine by steps."""
        matrices = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": self.settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        # Under float16 the fused kernel would scale the gradients back only after they are clipped.
        fused = self.trainer.precision != "16-mixed"
        optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate, betas=(0.9, 0.99), fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clips by norm. Lightning's own clipping refuses every fused optimiser, though only float16 needs it to."""
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_clip)

    def _rate(self, step: int) -> float:
        """The share of the peak learning rate at a step: a rising line, then half a cosine down to 0."""
        warm = math.ceil(self.settings.warmup * self.total_steps)
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - warm) / max(1, self.total_steps - warm)))


def loss_of(
    slots: Float[Tensor, "batch 7"], value: Float[Tensor, "batch"], batch: Batch, settings: TrainSettings
) -> Float[Tensor, ""]:
    """The loss in units of POINTS_SCALE squared (and nats): the plays' part and the weighted value's."""
    of_slots = _q_loss(slots, batch, settings) if settings.kind == "qvalue" else _policy_loss(slots, batch, settings)
    return of_slots + settings.value_weight * functional.mse_loss(value / POINTS_SCALE, batch.v / POINTS_SCALE)


def _q_loss(slots: Tensor, batch: Batch, settings: TrainSettings) -> Tensor:
    """Mean squared error over legal slots, and once more, weighted, of what is left after each state's mean error.

    A choice depends on the differences between plays alone. They are a small part of the error of Q, most of which all
    plays of a state share, and easier to learn than the state's value: weighting them lowered q_gap at equal effort.
    """
    error = torch.where(batch.legal, slots - batch.q, 0.0) / POINTS_SCALE
    n_legal = batch.legal.sum(1, keepdim=True)
    difference = torch.where(batch.legal, error - error.sum(1, keepdim=True) / n_legal, 0.0)
    return (error.square().sum() + settings.difference_weight * difference.square().sum()) / n_legal.sum()


def _policy_loss(slots: Tensor, batch: Batch, settings: TrainSettings) -> Tensor:
    """Cross-entropy against the softmax over Q of the legal slots."""
    target = torch.where(batch.legal, batch.q / settings.temperature, _NOT_LEGAL).softmax(1)
    logits = torch.where(batch.legal, slots, _NOT_LEGAL)
    return functional.cross_entropy(logits, target)


class History(Callback):
    """One `Epoch` for each look at the validation split."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []
        self._loss_sum: Tensor | float = 0.0
        self._loss_steps = 0
        self._seconds = 0.0
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall seconds of training, those before a resumption included."""
        return self._seconds + time.monotonic() - self._since

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clock runs from here."""
        self._since = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Sums the loss where it is, without waiting for the device."""
        self._loss_sum = self._loss_sum + outputs["loss"].detach()
        self._loss_steps += 1

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the epoch."""
        module = forge_module(pl_module)
        epoch = Epoch(
            epoch=trainer.current_epoch,
            step=trainer.global_step,
            samples=trainer.global_step * module.settings.batch_size,
            seconds=self.seconds,
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
            train_loss=float(self._loss_sum) / max(1, self._loss_steps),
            val=module.metrics.overall,
        )
        self.epochs.append(epoch)
        self._loss_sum, self._loss_steps = 0.0, 0
        for logger in trainer.loggers:
            logger.log_metrics({"train/loss": epoch.train_loss, "learning_rate": epoch.learning_rate}, epoch.step)

    def state_dict(self) -> dict[str, Any]:
        """All epochs so far, and the sums of the present one."""
        epochs = [epoch.model_dump() for epoch in self.epochs]
        sums = {"loss_sum": float(self._loss_sum), "loss_steps": self._loss_steps}
        return {"epochs": epochs, "seconds": self.seconds, **sums}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The other way round."""
        self.epochs = [Epoch.model_validate(epoch) for epoch in state_dict["epochs"]]
        self._seconds = state_dict["seconds"]
        self._loss_sum, self._loss_steps = state_dict["loss_sum"], state_dict["loss_steps"]


class KeepBest(Callback):
    """The weights with the lowest q_gap on the val split so far, and their epoch."""

    def __init__(self) -> None:
        self.q_gap = float("inf")
        self.epoch = -1
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Copies the weights if they are better than the ones it has."""
        module = forge_module(pl_module)
        if (q_gap := module.metrics.overall.q_gap) < self.q_gap:
            self.q_gap, self.epoch = q_gap, trainer.current_epoch
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in module.kept.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """The weights themselves: they outlive the run that found them."""
        return {"q_gap": self.q_gap, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The other way round."""
        self.q_gap, self.epoch, self.weights = state_dict["q_gap"], state_dict["epoch"], state_dict["weights"]


class StopEarly(EarlyStopping):
    """Stops after `patience` epochs without a better q_gap; a run that had stopped stays so when it is resumed."""

    def __init__(self, patience: int) -> None:
        super().__init__(MONITORED, patience=patience)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stops at once if it is resumed after its end."""
        trainer.should_stop = self.wait_count >= self.patience


class SaveLast(Checkpoint):
    """A checkpoint after every epoch, and within one whenever so many seconds have passed: all that a run needs to
    go on as if it had never stopped. The one before is kept, in case the last one is damaged.
    """

    def __init__(self, path: Path, identity: RunIdentity, *, every_seconds: float) -> None:
        self._path = path
        self._identity = identity
        self._every_seconds = every_seconds
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves if it is time."""
        alone = trainer.world_size == 1  # several processes save together, and their clocks differ
        if alone and time.monotonic() - self._saved_at >= self._every_seconds:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves."""
        self._save(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Says in the checkpoint of which run it is."""
        checkpoint[KEY] = self._identity.model_dump(mode="json")  # plain values: it is read as data alone

    def _save(self, trainer: pl.Trainer) -> None:
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            if self._path.exists():
                self._path.replace(self._path.with_name(PREVIOUS))
            temporary.replace(self._path)
        self._saved_at = time.monotonic()


def forge_module(module: pl.LightningModule) -> ForgeModule:
    """The module as what it is."""
    if not isinstance(module, ForgeModule):
        raise TypeError(f"the module is a {type(module).__name__}, not a ForgeModule")
    return module
