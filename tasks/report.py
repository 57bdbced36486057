"""What a run made, in numbers: on the run's page in the Prefect UI, and for the terminal."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from forge_core.artifacts.reference import Reference
from tasks import tracking
from tasks.evaluate import read_summaries
from tasks.export import read_parity
from tasks.pictures import publish_picture
from tasks.stage import Tally, stage_task, store

if TYPE_CHECKING:
    from forge_core.shards.generate import ShardReceipt

Rows = list[tuple[str, ...]]
_DRAWN = 1000

METRICS = ("q_gap", "q_mae", "value_mae", "accuracy", "blunder_rate")


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What the pipeline made: objects of the store, and what its tasks did for them."""

    shards: tuple[Reference, ...]
    tokens: Reference
    model: Reference
    evaluation: Reference
    onnx: Reference
    games: tuple[Reference, ...]
    tally: Tally

    @property
    def references(self) -> tuple[Reference, ...]:
        """All objects, in the order in which they were made."""
        return (*self.shards, self.tokens, self.model, self.evaluation, self.onnx, *self.games)


@dataclass(slots=True)
class FillReport:
    """What filling a folder with shards came to; grows block by block and stays small.

    made, kept  shards written now; found there meanwhile, made by another generator
    states      of the game trees of the deals solved now
    skipped     the shards not made because their deals are too large
    recent      the last shards made, at most `_DRAWN` of them, for the plot
    """

    made: int = 0
    kept: int = 0
    states: int = 0
    skipped: list[Path] = field(default_factory=list[Path])
    recent: deque[Path] = field(default_factory=lambda: deque[Path](maxlen=_DRAWN))

    def add(self, receipts: "Sequence[ShardReceipt]") -> None:
        """Count the receipts of a block."""
        from forge_core.shards.generate import Outcome

        for receipt in receipts:
            if receipt.outcome is Outcome.SKIPPED:
                self.skipped.append(receipt.relative_path)
            elif receipt.outcome is Outcome.KEPT:
                self.kept += 1
            else:
                self.made += 1
                self.states += receipt.reachable_states
                self.recent.append(receipt.relative_path)

    @property
    def rows(self) -> Rows:
        """The counts, for people."""
        return [
            ("shards made", f"{self.made:,}"),
            ("made by others meanwhile", f"{self.kept:,}"),
            ("skipped as too large", f"{len(self.skipped):,}"),
            ("game-tree states solved", f"{self.states:,}"),
        ]


@dataclass(slots=True)
class GamesReport:
    """What filling a folder with games came to: made now, and by another generator meanwhile."""

    made: int = 0
    others: int = 0

    @property
    def rows(self) -> Rows:
        """The counts, for people."""
        return [("games made", f"{self.made:,}"), ("made by others meanwhile", f"{self.others:,}")]


def shard_rows(shards: Sequence[Reference]) -> Rows:
    """Deals solved, states of their game trees, states kept: from the shards' metadata."""
    from forge_core.shards.read import read_metadata

    found = [read_metadata(path) for each in shards for path in store().path(each).rglob("*.parquet")]
    return [
        ("deals solved", f"{len(found):,}"),
        ("states of their game trees", f"{sum(each.reachable_states for each in found):,}"),
        ("states kept in shards", f"{sum(each.rows for each in found):,}"),
    ]


def token_rows(tokens: Reference) -> Rows:
    """Samples by split: from the manifest."""
    from forge_core.tokens.manifest import read_manifest

    samples = read_manifest(store().path(tokens)).samples
    return [(f"samples, {split.value}", f"{count:,}") for split, count in samples.items()]


def metric_rows(evaluation: Reference) -> Rows:
    """The model's metrics beside random play's and the untrained network's."""
    summaries = read_summaries(evaluation)
    who = ("model", "random_play", "untrained")
    return [(name, *(_number(name, getattr(summaries[each], name)) for each in who)) for name in METRICS]


def parity_rows(onnx: Reference) -> Rows:
    """How far ONNX and torch are apart."""
    return [("ONNX against torch", f"{read_parity(onnx):.1e} points apart at most")]


def game_rows(games: Sequence[Reference]) -> Rows:
    """How many games there are."""
    return [("E[Q] games", f"{sum(each.files for each in games):,}")]


def place_rows(references: Sequence[Reference]) -> Rows:
    """Where objects lie."""
    return [(each.short, str(store().path(each))) for each in references]


def pipeline_rows(result: PipelineResult) -> Rows:
    """The numbers of a whole pipeline."""
    rows = [*shard_rows(result.shards), *token_rows(result.tokens), *parity_rows(result.onnx)]
    return [*rows, *game_rows(result.games)]


@stage_task(name="report shards")
def report_shards(shards: Sequence[Reference]) -> None:
    """Shards on the run's page."""
    _publish("shards", "Shards", [*shard_rows(shards), *place_rows(shards)])


@stage_task(name="report fill")
def report_fill(report: FillReport, folder: Path) -> None:
    """What filling a folder came to, and its deals as a plot, on the run's page."""
    _publish("fill", "Shards", [*report.rows, ("folder", str(folder))])
    if report.recent:
        from forge_core.shards.plot import draw_deals
        from forge_core.shards.read import read_metadata

        deals = [read_metadata(folder / shard) for shard in report.recent]
        publish_picture("deals", "States and values of the deals", lambda path: draw_deals(path, deals))


@stage_task(name="report filled games")
def report_filled_games(report: GamesReport, folder: Path) -> None:
    """What filling a folder with games came to, on the run's page."""
    _publish("fill-games", "E[Q] games", [*report.rows, ("folder", str(folder))])


@stage_task(name="report tokens")
def report_tokens(tokens: Reference) -> None:
    """Training arrays on the run's page."""
    _publish("tokens", "Training arrays", [*token_rows(tokens), *place_rows([tokens])])


@stage_task(name="report model")
def report_model(model: Reference) -> None:
    """A model on the run's page, with a link to its MLflow run."""
    _publish("model", "Model", place_rows([model]))
    if (run := tracking.recall(model)) is not None:
        create_link_artifact(tracking.address(run), key="mlflow-run", description="The MLflow run that trained it")


@stage_task(name="report evaluation")
def report_evaluation(evaluation: Reference) -> None:
    """Metrics on the run's page."""
    names = ("metric", "model", "random play", "untrained")
    table: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in metric_rows(evaluation)]
    create_table_artifact(table, key="metrics", description="Metrics in points and shares, mover's view")


@stage_task(name="report onnx")
def report_onnx(onnx: Reference) -> None:
    """An ONNX file on the run's page."""
    _publish("onnx", "ONNX", [*parity_rows(onnx), *place_rows([onnx])])


@stage_task(name="report games")
def report_games(games: Sequence[Reference]) -> None:
    """Games on the run's page."""
    _publish("games", "E[Q] games", [*game_rows(games), *place_rows(games)])


@stage_task(name="report pipeline")
def report_pipeline(result: PipelineResult) -> None:
    """The whole pipeline on the run's page."""
    counts = ("artifacts", f"{result.tally.cached} from the store, {result.tally.made} made")
    _publish("pipeline", "Pipeline", [counts, *pipeline_rows(result)])


def _publish(key: str, title: str, rows: Rows) -> None:
    lines = [f"# {title}", "", "| | |", "|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    create_markdown_artifact("\n".join(lines), key=key, description=title)


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if name in ("accuracy", "blunder_rate") else f"{value:.2f}"
