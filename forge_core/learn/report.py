"""Epochs told to whoever wants to know while training runs."""

from collections.abc import Callable

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from forge_core.learn.callbacks import History
from forge_core.learn.history import Epoch


class EpochReport(Callback):
    """Hands each epoch to a function at its end; give it to a run with the other callbacks, behind `History`."""

    def __init__(self, on_epoch: Callable[[Epoch], None]) -> None:
        self._on_epoch = on_epoch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hands over the epoch that `History` has just added."""
        history = next(callback for callback in trainer.callbacks if isinstance(callback, History))  # pyright: ignore[reportAttributeAccessIssue]
        self._on_epoch(history.epochs[-1])
