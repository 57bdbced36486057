"""The page of a training, while it runs: the epochs as a table, the curves, how far it is, and where else to look."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import MarkdownArtifact, TableArtifact

from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings
from forge_view.live import Interval, Live, LiveBar
from forge_view.pages import links, page
from forge_view.pictures import picture

if TYPE_CHECKING:
    from forge_core.learn.history import Epoch

logger = logging.getLogger(__name__)

_SHOWN = 100  # epochs in the table
_SHARES = ("accuracy", "blunder_rate")

METRICS = ("q_gap", "q_mae", "value_mae", "accuracy", "blunder_rate")
"""What a person follows, in this order."""


class TrainingPage:
    """Tells of a training in the log and on the page of the task that runs it, as often as a person can follow."""

    def __init__(self, settings: TrainSettings, tokens: Reference | Path, run: Callable[[], str | None]) -> None:
        """The page of one training.

        Args:
            settings: what is trained.
            tokens: what it learns from.
            run: the address of its MLflow run, once it is known; asked whenever the page is drawn.
        """
        self._settings = settings
        self._links = lambda: links(run(), tokens)
        self._epochs: Sequence[Epoch] = ()
        self._told = 0
        self._bar = LiveBar("training", settings.epochs)
        self._line = Interval(5)
        self._table = Live(self._draw_table)
        self._page = Live(self._draw_page, every=30)

    def show(self, epochs: "Sequence[Epoch]") -> None:
        """Tell of all epochs so far, of which the last has just ended."""
        last = epochs[-1]
        self._bar.advance(last.epoch + 1 - self._told)
        self._told = last.epoch + 1
        self._epochs = epochs
        if self._line.is_due() or last.epoch + 1 == self._settings.epochs:
            words = f"epoch {last.epoch + 1:,} of {self._settings.epochs:,}, val q_gap {last.val.q_gap:.3f}"
            logger.info("%-12s %s", "train", words)
        self._table.show()
        self._page.show()

    def end(self) -> None:
        """Bring everything up to date."""
        for each in (self._bar, self._table, self._page):
            each.show(last=True)

    def _draw_table(self) -> TableArtifact:
        rows = [_row(epoch) for epoch in reversed(self._epochs[-_SHOWN:])]
        words = "Epochs, the last one first. Metrics on the val split in points and shares, mover's view."
        return TableArtifact(key="epochs", description=words, table=rows)

    def _draw_page(self) -> MarkdownArtifact:
        from forge_core.learn.history import draw_curves

        last = self._epochs[-1]
        best = min(self._epochs, key=lambda epoch: epoch.val.q_gap)
        rows = [
            ("network", f"{self._settings.network}, {self._settings.size}; learns {self._settings.kind}"),
            ("epoch", f"{last.epoch + 1:,} of {self._settings.epochs:,}"),
            (
                "q_gap on val",
                f"{last.val.q_gap:.3f} points; {best.val.q_gap:.3f} in epoch {best.epoch + 1:,}, the best",
            ),
            ("samples", f"{last.samples:,}, {last.samples / max(last.seconds, 1e-3):,.0f} a second"),
        ]
        curves = picture(lambda path: draw_curves(path, self._epochs))
        text = page("Training", rows, self._links(), curves)
        return MarkdownArtifact(key="training", description="How the training goes", markdown=text)


def metric(name: str, value: float | None) -> str:
    """A metric, for people."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if name in _SHARES else f"{value:.3f}"


def _row(epoch: "Epoch") -> dict[str, Any]:
    metrics = {name: metric(name, getattr(epoch.val, name)) for name in METRICS}
    return {
        "epoch": epoch.epoch + 1,
        **metrics,
        "loss": f"{epoch.train_loss:.4f}",
        "seconds": f"{epoch.seconds:.0f}",
    }
