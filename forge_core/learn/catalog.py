"""The catalog: promoted models, one folder each, in a folder that is kept with the code; and their cards.

    <name>/model.safetensors, config.json   the model; weights in half precision
    <name>/model.onnx                       the same numbers for onnxruntime; a large model is kept without
    <name>/metrics.json                     its `Card`: what it was measured to be, and how it came here
    <name>/SHA256SUMS                       of these; a folder without it is no part of the catalog
    champion.json                           the name of the champion of each kind
    README.md                               all of them as a table, written from the cards

Nothing else is needed to use a model: not MLflow, not the store. Every write is atomic and a repeated one changes
nothing, so an interrupted promotion is repaired by running it again.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from forge_core.errors import DamagedFile, ModelError
from forge_core.files import SUMS, check_sums, read_sums, sha256_of, write_sums, write_text
from forge_core.learn.metrics import Difference, Intervals, Metrics, Summary
from forge_core.learn.settings import CONFIG, WEIGHTS, ModelConfig, ModelKind, read_config
from forge_core.locks import locked

DEFAULT = Path(__file__).parents[2] / "models"
"""The catalog that comes with the code."""

CHAMPION = "champion"
"""What the best model of a kind is called, whatever its name."""

ONNX, CARD = "model.onnx", "metrics.json"
CHAMPIONS, README = "champion.json", "README.md"
FILES = (WEIGHTS, CONFIG, ONNX, CARD)
LARGEST = 20_000_000
"""Bytes of a model's folder: the catalog lives in a Git repository."""

_Champions = RootModel[dict[ModelKind, str]]

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


class Catalog:
    """The catalog in a folder, which is made when the first model is added."""

    def __init__(self, root: Path = DEFAULT) -> None:
        self.root = root.absolute()

    def names(self) -> list[str]:
        """The names of all models."""
        return sorted(path.parent.name for path in self.root.glob(f"[!.]*/{SUMS}"))

    def champions(self) -> dict[ModelKind, str]:
        """The name of the champion of each kind that has one. Raises DamagedFile."""
        path = self.root / CHAMPIONS
        try:
            return _Champions.model_validate_json(path.read_bytes()).root
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as problem:
            raise _damaged(path, str(problem)) from problem

    def find(self, name: str, kind: ModelKind | None = None) -> Path | None:
        """The folder of a model by its name; None when it has no model of that name.

        "champion" is the champion of `kind`; if that has none or is not said, the Q-value one, else the policy one.
        Raises ModelError when there is no champion at all.
        """
        if name == CHAMPION:
            champions = self.champions()
            names = [champions[each] for each in (kind, "qvalue", "policy") if each in champions]
            if not names:
                raise ModelError.of(
                    got=f"no champion in the catalog {self.root}",
                    expected="a promoted model",
                    remedy="promote one with `forge promote`, or name a model folder",
                )
            name = names[0]
        return self.root / name if name in self.names() else None

    def config(self, name: str) -> ModelConfig:
        """What a model is."""
        return read_config(self.root / name)

    def card(self, name: str) -> Card:
        """What a model was measured to be. Raises DamagedFile."""
        path = self.root / name / CARD
        try:
            return Card.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as problem:
            raise _damaged(path, str(problem)) from problem

    def listed(self) -> list[Listed]:
        """All models, those of lowest q_gap first."""
        champions = set(self.champions().values())
        rows = [Listed(name, self.config(name), self.card(name), name in champions) for name in self.names()]
        return sorted(rows, key=lambda row: (row.config.kind != "qvalue", row.card.key_scores.q_gap))

    def add(self, model: Path, name: str, *, champion: bool) -> Path:
        """Put a folder with the four files of a model into the catalog, and make it the champion of its kind.

        The same weights keep the name under which they are there, and a name that other weights have gets a few digits
        of these behind it. Where all four are too large together, the ONNX file is left out: `forge export` makes it.
        Returns the model's folder. Raises ModelError when it is too large even so.
        """
        files = _fitting(model)
        with locked(self.root / ".lock"):
            target = self.root / self._name_for(model, name)
            if not _is_sound(target):
                self._write(model, target, files)
            if champion:
                champions = dict(self.champions())
                champions[self.config(target.name).kind] = target.name
                write_text(self.root / CHAMPIONS, _Champions(champions).model_dump_json(indent=1) + "\n")
            write_text(self.root / README, readme(self.listed()))
        return target

    def _name_for(self, model: Path, name: str) -> str:
        wanted, names = _identity(model), self.names()
        same = [other for other in names if _identity(self.root / other) == wanted]
        return same[0] if same else f"{name}-{wanted[0][:6]}" if name in names else name

    def _write(self, model: Path, target: Path, files: tuple[str, ...]) -> None:
        for left in self.root.glob(".new-*"):
            shutil.rmtree(left)
        shutil.rmtree(target, ignore_errors=True)
        new = self.root / f".new-{target.name}"
        new.mkdir()
        for file in files:
            shutil.copyfile(model / file, new / file)
        write_sums(new, {file: sha256_of(new / file) for file in files})
        new.rename(target)


def verify(folder: Path, files: tuple[str, ...] = FILES) -> None:
    """Compare a model's files with the checksums beside them, which may leave out the ONNX file. Raises DamagedFile."""
    sums = read_sums(folder)
    if set(sums) | {ONNX} != set(files):
        raise _damaged(folder / SUMS, "it does not list the files of a model")
    check_sums(folder, sums)


def _is_sound(folder: Path) -> bool:
    try:
        verify(folder)
    except (DamagedFile, OSError):
        return False
    return True


def _identity(model: Path) -> list[str]:
    """What makes a model: digests of its weights and config, as far as they are there."""
    return [sha256_of(model / file) for file in (WEIGHTS, CONFIG) if (model / file).is_file()]


def _fitting(model: Path) -> tuple[str, ...]:
    for files in (FILES, tuple(file for file in FILES if file != ONNX)):
        size = sum((model / file).stat().st_size for file in files)
        if size <= LARGEST:
            return files
    raise ModelError.of(
        got=f"a model of {size / 1e6:.1f} MB without its ONNX file",
        expected=f"at most {LARGEST / 1e6:.0f} MB, for it is kept with the code",
        remedy="promote a smaller network",
    )


def _damaged(path: Path, problem: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}, which is damaged ({problem})",
        expected="the files as they were promoted",
        remedy="restore the folder from Git, or promote the model again",
    )
