"""What a training says while it runs: a bar, its epochs to whoever wants to know, and what libraries better kept quiet.

Nothing here decides what is learned.
"""

import logging
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from forge_core.learn.lit_module import History, forge_module
from forge_core.learn.plots import Epoch


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


class EpochReport(Callback):
    """Hands all epochs so far to a function at the end of each; give it to a run behind `History`."""

    def __init__(self, on_epoch: Callable[[Sequence[Epoch]], None]) -> None:
        self._on_epoch = on_epoch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hands over the epochs of `History`, which has just added one."""
        history = next(callback for callback in trainer.callbacks if isinstance(callback, History))  # pyright: ignore[reportAttributeAccessIssue]
        self._on_epoch(history.epochs)


@contextmanager
def suppress_warnings(*loggers: str) -> Generator[None]:
    """Keeps the named loggers to errors, and the deprecation of LeafSpec to itself.

    torch 2.13 deprecates a class that it still copies in its own exporter and that Lightning 2.6 makes wherever it
    looks at a batch: no caller can avoid either.
    """
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
