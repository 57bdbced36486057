"""The epochs of a training run, as JSON and as curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from pydantic import BaseModel, ConfigDict, RootModel

from forge_core.files import replacing, write_text
from forge_core.learn.metrics import Summary


class Epoch(BaseModel):
    """One epoch, at its end.

    epoch       from 0
    step        training steps so far
    samples     training samples so far, repeated ones counted again
    seconds     wall time so far
    train_loss  mean loss of the epoch's steps, in the network's own units
    val         of the weights that would be kept, on the samples that validation looks at
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    step: int
    samples: int
    seconds: float
    learning_rate: float
    train_loss: float
    val: Summary


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write the epochs as a JSON list."""
    write_text(path, RootModel[list[Epoch]](list(epochs)).model_dump_json(indent=1))


def read_history(path: Path) -> list[Epoch]:
    """The epochs that `write_history` wrote."""
    return RootModel[list[Epoch]].model_validate_json(path.read_bytes()).root


def draw_curves(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw loss, regret and errors over the samples seen, as a PNG."""
    panels: Panels = {
        "training loss": {"loss": [epoch.train_loss for epoch in epochs]},
        "regret on val (points)": {"q_gap": [epoch.val.q_gap for epoch in epochs]},
        "errors on val (points)": {
            "q_mae": [epoch.val.q_mae for epoch in epochs],
            "value_mae": [epoch.val.value_mae for epoch in epochs],
        },
        "blunders on val (%)": {"blunder_rate": [100 * epoch.val.blunder_rate for epoch in epochs]},
    }
    draw_panels(path, [epoch.samples for epoch in epochs], panels, bottom=0)


Panels = Mapping[str, Mapping[str, Sequence[float | None]]]
"""Title of a panel -> name of a line -> a number an epoch."""


def draw_panels(path: Path, samples: Sequence[int], panels: Panels, *, bottom: float | None = None) -> None:
    """Draw four panels over the samples seen, as a PNG; `bottom` is where their axes begin, None = below the lowest."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for name, numbers in lines.items():
            known = [(x, y) for x, y in zip(samples, numbers, strict=True) if y is not None]
            axes.plot([x for x, _ in known], [y for _, y in known], marker=".", label=name)
        axes.set(title=title, xlabel="samples", ylim=(bottom, None))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend()
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
