"""What a training run keeps and shows: the history of its epochs, the best weights, a checkpoint to go on from, a bar.

All that is kept travels in the checkpoint, so a run can go on in another folder or on another machine.
"""

import os
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from forge_core.learn.history import Epoch
from forge_core.learn.lit_module import ForgeModule
from forge_core.learn.model import KEY, PREVIOUS, RunIdentity

MONITORED = "val/q_gap"


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


class EpochBar(Callback):
    """A progress bar over all steps, with the latest q_gap; silent when the console is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[q_gap]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("train", total=None, epoch=1, q_gap="")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Shows the bar, in one of several processes."""
        if not trainer.is_global_zero:
            return
        total = forge_module(pl_module).total_steps
        self._progress.update(self._task, total=total, completed=trainer.global_step)
        self._progress.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One step more."""
        self._progress.update(self._task, completed=trainer.global_step, epoch=trainer.current_epoch + 1)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Shows the new q_gap."""
        self._progress.update(self._task, q_gap=f"val q_gap {forge_module(pl_module).metrics.overall.q_gap:.3f}")

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Gives the terminal back, however the run ended."""
        self._progress.stop()


def forge_module(module: pl.LightningModule) -> ForgeModule:
    """The module as what it is."""
    if not isinstance(module, ForgeModule):
        raise TypeError(f"the module is a {type(module).__name__}, not a ForgeModule")
    return module
