"""What a training and an evaluation found, for people: the epochs as JSON and as curves, regret and calibration.

Nothing here decides a result.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from pydantic import BaseModel, ConfigDict, RootModel

from forge_core.files import replacing, write_text
from forge_core.learn.metrics import Intervals, Metrics, Summary
from forge_core.rules import Declaration, declaration_name

if TYPE_CHECKING:
    from forge_core.learn.evaluation import Evaluation

_LINEAR_BELOW = 0.01  # points; regret spans three powers of ten between a model and random play
_POINTS = (-45, 45)

Panels = Mapping[str, Mapping[str, Sequence[float | None]]]
"""Title of a panel -> name of a line -> a number an epoch."""


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
    _write(path, figure)


def draw_regret(path: Path, players: Mapping[str, Metrics], title: str) -> None:
    """Draw the mean regret of each player by plays left and by declaration, with 95 % intervals over deals."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    figure.suptitle(title)
    by_plays_left, by_declaration = figure.subplots(1, 2)
    for number, (name, metrics) in enumerate(players.items()):
        label = f"{name.replace('_', ' ')} ({metrics.overall.q_gap:.3f})"
        _points(by_plays_left, metrics.by_plays_left, metrics.intervals_by_plays_left, style=(label, f"C{number}"))
        _points(by_declaration, metrics.by_declaration, metrics.intervals_by_declaration, style=(label, f"C{number}"))
    by_plays_left.set(xlabel="plays left", xlim=(28.6, 0.4), xticks=range(28, 0, -4))
    by_declaration.set_xticks(list(Declaration), [declaration_name(each) for each in Declaration], rotation=45)
    for axes in (by_plays_left, by_declaration):
        axes.set(ylabel="q_gap (points)")
        axes.set_yscale("symlog", linthresh=_LINEAR_BELOW)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    by_plays_left.legend()
    _write(path, figure)


def _points(
    axes: Axes, parts: Mapping[int, Summary], intervals: Mapping[int, Intervals], *, style: tuple[str, str]
) -> None:
    label, colour = style
    means = [summary.q_gap for summary in parts.values()]
    reach = [[0.0] * len(means), [0.0] * len(means)]
    for i, part in enumerate(parts):
        low, high = intervals[part].get("q_gap", (means[i], means[i]))
        reach[0][i], reach[1][i] = max(0.0, min(means[i], means[i] - low)), max(0.0, high - means[i])
    axes.errorbar(list(parts), means, yerr=reach, label=label, color=colour, marker=".", linewidth=1, capsize=2)


def draw_calibration(path: Path, evaluation: "Evaluation", title: str) -> None:
    """Draw the exact values beside the predicted ones, mean and standard deviation by bins of two points."""
    figure = Figure(figsize=(6 * len(evaluation.calibration), 5.2), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(1, len(evaluation.calibration), squeeze=False)[0]
    for axes, (name, bins) in zip(panels, sorted(evaluation.calibration.items()), strict=True):
        predicted, exact = [each.predicted for each in bins], [each.exact for each in bins]
        axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
        axes.errorbar(predicted, exact, yerr=[each.spread for each in bins], fmt="none", color="C0", alpha=0.4)
        axes.scatter(predicted, exact, s=[4 + 60 * each.samples / max(b.samples for b in bins) for each in bins])
        axes.set(title=name, xlabel="predicted (points)", ylabel="exact (points): mean ± sd")
        axes.set(xlim=_POINTS, ylim=_POINTS, aspect="equal")
        axes.grid(alpha=0.3)
    _write(path, figure)


def _write(path: Path, figure: Figure) -> None:
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
