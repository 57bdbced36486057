"""The page of a training, while it runs: the epochs as a table, the curves, how far it is, and where else to look."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from prefect.artifacts import MarkdownArtifact, TableArtifact

from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings
from forge_core.seat.settings import SeatSettings
from forge_view.live import Interval, Live, LiveBar
from forge_view.pages import links, page
from forge_view.pictures import picture

if TYPE_CHECKING:
    from forge_core.learn.plots import Epoch
    from forge_core.seat.history import SeatEpoch

logger = logging.getLogger(__name__)

_SHOWN = 100  # epochs in the table
_SHARES = ("accuracy", "blunder_rate")

METRICS = ("q_gap", "q_mae", "value_mae", "accuracy", "blunder_rate")
"""What a person follows, in this order."""


class _AnyEpoch(Protocol):
    """What epochs of every training have."""

    @property
    def epoch(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def seconds(self) -> float: ...


E = TypeVar("E", bound=_AnyEpoch)


class _Page(ABC, Generic[E]):
    """Tells of a training in the log and on the page of the task that runs it, as often as a person can follow.

    stage      for the log
    of_epochs  what the table's columns mean
    """

    stage: str
    of_epochs: str

    def __init__(self, settings: TrainSettings | SeatSettings, links: Callable[[], str]) -> None:
        self._network = f"{settings.network}, {settings.size}"
        self._wanted, self._links = settings.epochs, links
        self._epochs: Sequence[E] = ()
        self._told = 0
        self._bar = LiveBar("training", settings.epochs)
        self._line = Interval(5)
        self._table = Live(self._draw_table)
        self._page = Live(self._draw_page, every=30)

    def show(self, epochs: Sequence[E]) -> None:
        """Tell of all epochs so far, of which the last has just ended."""
        last = epochs[-1]
        self._bar.advance(last.epoch + 1 - self._told)
        self._told = last.epoch + 1
        self._epochs = epochs
        if self._line.is_due() or last.epoch + 1 == self._wanted:
            words = f"epoch {last.epoch + 1:,} of {self._wanted:,}, val {self.in_a_word(last)}"
            logger.info("%-12s %s", self.stage, words)
        self._table.show()
        self._page.show()

    def end(self) -> None:
        """Bring everything up to date."""
        for each in (self._bar, self._table, self._page):
            each.show(last=True)

    def _draw_table(self) -> TableArtifact:
        rows = [
            {"epoch": epoch.epoch + 1, **self.figures(epoch), "seconds": f"{epoch.seconds:.0f}"}
            for epoch in reversed(self._epochs[-_SHOWN:])
        ]
        return TableArtifact(key="epochs", description=f"Epochs, the last one first. {self.of_epochs}", table=rows)

    def _draw_page(self) -> MarkdownArtifact:
        last = self._epochs[-1]
        rows = [
            ("network", f"{self._network}; learns {self.learns()}"),
            ("epoch", f"{last.epoch + 1:,} of {self._wanted:,}"),
            self.best(self._epochs),
            ("samples", f"{last.samples:,}, {last.samples / max(self.seconds(self._epochs), 1e-3):,.0f} a second"),
        ]
        curves = picture(lambda path: self.draw(path, self._epochs))
        text = page("Training", rows, self._links(), curves)
        return MarkdownArtifact(key="training", description="How the training goes", markdown=text)

    @abstractmethod
    def learns(self) -> str:
        """What the network learns."""

    @abstractmethod
    def seconds(self, epochs: Sequence[E]) -> float:
        """How long all of them took."""

    @abstractmethod
    def in_a_word(self, epoch: E) -> str:
        """How well an epoch ended, for the log."""

    @abstractmethod
    def figures(self, epoch: E) -> dict[str, str]:
        """The columns of an epoch's row."""

    @abstractmethod
    def best(self, epochs: Sequence[E]) -> tuple[str, str]:
        """What is followed, now and in the best epoch."""

    @abstractmethod
    def draw(self, path: Path, epochs: Sequence[E]) -> None:
        """Draw the curves."""


class _OpenHands(_Page["Epoch"]):
    """Of a network that sees all hands."""

    stage, of_epochs = "train", "Metrics on the val split in points and shares, mover's view."

    def __init__(self, settings: TrainSettings, links: Callable[[], str]) -> None:
        super().__init__(settings, links)
        self._kind = settings.kind

    def learns(self) -> str:
        return str(self._kind)

    def seconds(self, epochs: "Sequence[Epoch]") -> float:
        return epochs[-1].seconds  # they count from the beginning

    def in_a_word(self, epoch: "Epoch") -> str:
        return f"q_gap {epoch.val.q_gap:.3f}"

    def figures(self, epoch: "Epoch") -> dict[str, str]:
        metrics = {name: metric(name, getattr(epoch.val, name)) for name in METRICS}
        return {**metrics, "loss": f"{epoch.train_loss:.4f}"}

    def best(self, epochs: "Sequence[Epoch]") -> tuple[str, str]:
        best = min(epochs, key=lambda epoch: epoch.val.q_gap)
        return (
            "q_gap on val",
            f"{epochs[-1].val.q_gap:.3f} points; {best.val.q_gap:.3f} in epoch {best.epoch + 1:,}, the best",
        )

    def draw(self, path: Path, epochs: "Sequence[Epoch]") -> None:
        from forge_core.learn.plots import draw_curves

        draw_curves(path, epochs)


class _OneHand(_Page["SeatEpoch"]):
    """Of a network that sees one hand."""

    stage = "train-seat"
    of_epochs = "On val deals: nats of the exact final points; what the chosen plays are worth with all hands open."

    def learns(self) -> str:
        return "the final points after each play, from deals that it plays"

    def seconds(self, epochs: "Sequence[SeatEpoch]") -> float:
        return sum(epoch.seconds for epoch in epochs)

    def in_a_word(self, epoch: "SeatEpoch") -> str:
        return f"{epoch.nll:.3f} nats, chosen plays make or set {100 * epoch.make:.1f} %"

    def figures(self, epoch: "SeatEpoch") -> dict[str, str]:
        return {
            "nats": f"{epoch.nll:.3f}",
            "make or set": f"{100 * epoch.make:.1f} %",
            "points": f"{epoch.points:+.2f}",
            "loss": f"{epoch.loss:.4f}",
            "samples": f"{epoch.samples:,}",
        }

    def best(self, epochs: "Sequence[SeatEpoch]") -> tuple[str, str]:
        best = max(epochs, key=lambda epoch: epoch.make)
        now = f"{100 * epochs[-1].make:.1f} %"
        return "make or set on val", f"{now}; {100 * best.make:.1f} % in epoch {best.epoch + 1:,}, the best"

    def draw(self, path: Path, epochs: "Sequence[SeatEpoch]") -> None:
        from forge_core.learn.plots import draw_panels

        panels = {
            "training loss": {"loss": [epoch.loss for epoch in epochs]},
            "final points on val (nats)": {"nll": [epoch.nll for epoch in epochs]},
            "chosen plays make or set (%)": {"make": [100 * epoch.make for epoch in epochs]},
            "points to go after chosen plays": {"points": [epoch.points for epoch in epochs]},
        }
        draw_panels(path, [epoch.samples for epoch in epochs], panels)


def training_page(
    settings: TrainSettings | SeatSettings, tokens: Reference | Path | None, run: Callable[[], str | None]
) -> _OpenHands | _OneHand:
    """The page of one training.

    Args:
        settings: what is trained.
        tokens: what it learns from; None = deals that it plays itself.
        run: the address of its MLflow run, once it is known; asked whenever the page is drawn.
    """
    if isinstance(settings, SeatSettings):
        return _OneHand(settings, lambda: links(run(), tokens))
    return _OpenHands(settings, lambda: links(run(), tokens))


def metric(name: str, value: float | None) -> str:
    """A metric, for people."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if name in _SHARES else f"{value:.3f}"
