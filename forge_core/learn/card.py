"""The card of a promoted model: its name, what it was measured to be, and its row in the catalog's table."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from forge_core.learn.metrics import Difference, Intervals, Metrics, Summary
from forge_core.learn.model_config import ModelConfig

_OPENING = 28
_TYPES = {"qvalue": "qval", "policy": "policy"}


class Scores(Summary):
    """What a model was measured to be on some states (see `Summary` and `Ties`).

    samples    states
    intervals  name of a mean -> its 95 % interval over deals
    """

    deals: int
    label_accuracy: float
    label_ceiling: float
    intervals: Intervals
    opening_leads: Summary | None = Field(
        description="The opening leads alone; none = there are none among the states."
    )
    opening_leads_intervals: Intervals

    @classmethod
    def of(cls, metrics: Metrics) -> Self:
        """The scores of a model with these metrics."""
        return cls(
            **metrics.overall.model_dump(),
            deals=metrics.deals,
            label_accuracy=metrics.ties.label_accuracy,
            label_ceiling=metrics.ties.label_ceiling,
            intervals=metrics.intervals,
            opening_leads=metrics.by_plays_left.get(_OPENING),
            opening_leads_intervals=metrics.intervals_by_plays_left.get(_OPENING, {}),
        )

    def numbers(self) -> dict[str, float]:
        """The means by their names."""
        names = (*Summary.model_fields, "label_accuracy", "label_ceiling")
        return {name: float(value) for name in names if (value := getattr(self, name)) is not None}


class Origin(BaseModel):
    """Where a promoted model comes from.

    dataset   digest of the manifest of the tokens it learned from
    code      fingerprint of the training code
    parent    digest of the weights that its training began with; none = drawn at random
    champion  name of the champion that it was compared with on val; none = there was none
    gain      its q_gap minus that champion's
    forced    why it was promoted although it is not better; none = it is
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    code: str
    parent: str | None
    champion: str | None
    gain: Difference | None
    forced: str | None


class Card(BaseModel):
    """The file metrics.json of a promoted model.

    test        scores on the test split, by the strategy that sampled the states
    trained_on  the device
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test: dict[str, Scores]
    trained_on: str
    origin: Origin

    @property
    def key_scores(self) -> Scores:
        """The scores that its name tells: of uniform states, or of what there is."""
        return self.test.get("uniform") or next(iter(self.test.values()))

    def name_of(self, config: ModelConfig) -> str:
        """The model's name, domino-{type}-{size}-{params}-{key metrics}: domino-qval-large-3.3M-qgap0.071-qmae0.94."""
        scores = self.key_scores
        if config.kind == "qvalue":
            told = f"qgap{scores.q_gap:.3f}-qmae{scores.q_mae:.2f}"
        else:
            told = f"acc{100 * scores.accuracy:.1f}-qgap{scores.q_gap:.2f}"
        return f"domino-{_TYPES[config.kind]}-{config.settings.size}-{short_count(config.parameters)}-{told}"


class Listed(NamedTuple):
    """A model in the catalog."""

    name: str
    config: ModelConfig
    card: Card
    champion: bool


def short_count(parameters: int) -> str:
    """A number of parameters in three or four signs: 3.3M, 817k, 512."""
    if parameters >= 999_500:
        return f"{parameters / 1e6:.1f}M"
    return f"{parameters / 1e3:.0f}k" if parameters >= 1000 else str(parameters)


COLUMNS = (
    *("model", "network", "parameters", "q_gap uniform", "by_depth", "played", "opening leads"),
    *("q_mae", "value_mae", "blunders", "trained on"),
)


def row_of(listed: Listed) -> tuple[str, ...]:
    """A model in a line of text, for COLUMNS; of uniform states where they say nothing else."""
    _, config, card, champion = listed
    test, scores = card.test, card.key_scores
    leads = max((each.opening_leads for each in test.values() if each.opening_leads), key=_samples, default=None)
    low, high = scores.intervals.get("q_gap", (scores.q_gap, scores.q_gap))
    gaps = {name: f"{each.q_gap:.3f}" for name, each in test.items()}
    return (
        listed.name + " (champion)" * champion,
        config.architecture.network,
        short_count(config.parameters),
        f"{scores.q_gap:.3f} ± {(high - low) / 2:.3f}",
        gaps.get("by_depth", "-"),
        gaps.get("played", "-"),
        "-" if leads is None else f"{leads.q_gap:.2f}",
        "-" if scores.q_mae is None else f"{scores.q_mae:.2f}",
        "-" if scores.value_mae is None else f"{scores.value_mae:.2f}",
        f"{100 * scores.blunder_rate:.2f} %",
        card.trained_on,
    )


def _samples(summary: Summary) -> int:
    return summary.samples


def readme(models: Sequence[Listed]) -> str:
    """The page of the catalog."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(row_of, models)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return _README.format(table=table)


_README = """# Models

Measured on the test split, points in the mover's view, ± half a 95 % interval over deals
([what the numbers mean](../docs/methods.md)). This page and everything beside it is written by `forge promote`;
`forge models` shows the same table.

{table}

A model is a folder: `model.safetensors` (half precision) and `config.json` for torch, `model.onnx` for onnxruntime with
the same numbers (a large model is kept without: `forge export --checkpoint NAME` makes it), `metrics.json` with all
scores, their intervals and where the model comes from, `SHA256SUMS`.

```python
from forge_core import learn

model = learn.load("champion", kind="qvalue")  # or a name from the table, or the path of a folder
q, value = model(tokens, mask)  # points, mover's view
```
"""
