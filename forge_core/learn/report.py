"""Epochs told to whoever wants to know while training runs."""

from collections.abc import Callable, Sequence

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from forge_core.learn.callbacks import History
from forge_core.learn.history import Epoch


class EpochReport(Callback):
    """Hands all epochs so far to a function at the end of each; give it to a run behind `History`."""

    def __init__(self, on_epoch: Callable[[Sequence[Epoch]], None]) -> None:
        self._on_epoch = on_epoch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hands over the epochs of `History`, which has just added one."""
        history = next(callback for callback in trainer.callbacks if isinstance(callback, History))  # pyright: ignore[reportAttributeAccessIssue]
        self._on_epoch(history.epochs)
