"""What a run made, in numbers: on the run's page in the Prefect UI, and for the terminal."""

import hashlib
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forge_core.arena.games import GamesResult
from forge_core.arena.result import MatchResult
from forge_core.artifacts.reference import Reference
from forge_core.datasets.base import Outcome, Receipt
from forge_core.learn.export_report import REPORT, ExportReport, Parity, Precision
from forge_view.pages import key_of, link_to, links, named, page, publish, published
from forge_view.pictures import picture, read_picture
from forge_view.training_page import METRICS, metric
from tasks import tracking
from tasks.evaluation import Evaluated
from tasks.run import Tally, store

Rows = list[tuple[str, ...]]
_DRAWN = 1000
FILE_COLUMNS = ("file", "kB", "points apart, mean", "at most", "other plays", "change of q_gap", "95 % interval")
_LISTED = 20


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What the pipeline made: objects of the store, and what its tasks did for them."""

    shards: tuple[Reference, ...]
    tokens: Reference
    model: Reference
    evaluation: Evaluated
    onnx: Reference
    games: tuple[Reference, ...]
    contracts: tuple[Reference, ...]
    match: MatchResult | GamesResult
    tally: Tally

    @property
    def references(self) -> tuple[Reference, ...]:
        """All objects, in the order in which they were made."""
        return (
            *self.shards,
            self.tokens,
            self.model,
            *self.evaluation.references,
            self.onnx,
            *self.games,
            *self.contracts,
        )


@dataclass(slots=True)
class FillReport:
    """What filling a data set came to; grows block by block and stays small.

    Attributes:
        title, unit: what its files are, and one of them, for people.
        made: files written now.
        kept: files found there meanwhile, made by another process.
        states: of the game trees of the deals solved now.
        skipped: the files not made because their deals are too large.
        recent: the last shards made, at most `_DRAWN` of them, for the plot.
    """

    title: str = "Shards"
    unit: str = "shard"
    made: int = 0
    kept: int = 0
    states: int = 0
    skipped: list[Path] = field(default_factory=list[Path])
    recent: deque[Path] = field(default_factory=lambda: deque[Path](maxlen=_DRAWN))

    def add(self, receipts: Sequence[Receipt]) -> None:
        """Count the receipts of a block."""
        from forge_core.shards.generate import ShardReceipt

        for receipt in receipts:
            if receipt.outcome is Outcome.SKIPPED:
                self.skipped.append(receipt.relative_path)
            elif receipt.outcome is Outcome.KEPT:
                self.kept += 1
            else:
                self.made += 1
                if isinstance(receipt, ShardReceipt):
                    self.states += receipt.reachable_states
                    self.recent.append(receipt.relative_path)

    @property
    def rows(self) -> Rows:
        """The counts, for people."""
        rows: Rows = [(f"{self.unit}s made", f"{self.made:,}"), ("made by others meanwhile", f"{self.kept:,}")]
        if self.skipped:
            rows.append(("skipped as too large", f"{len(self.skipped):,}"))
        return [*rows, *([("game-tree states solved", f"{self.states:,}")] if self.states else [])]


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


def parity_rows(onnx: Reference) -> Rows:
    """How far ONNX and torch are apart, and how much worse the smaller files play."""
    files = read_export(onnx).files.items()
    return [
        (
            f"ONNX {name.value}",
            each.refused or f"{each.mean_difference:.1e} points apart, q_gap {each.q_gap_change:+.4f}",
        )
        for name, each in files
    ]


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


def report_shards(shards: Sequence[Reference]) -> None:
    """Shards on the run's page."""
    publish("shards", page("Shards", [*shard_rows(shards), *_object_rows(shards)]), f"{len(shards):,} blocks of shards")


def report_fill(report: FillReport, folder: Path | None) -> None:
    """What filling a folder, or the store, came to, and its deals as a plot, on the run's page."""
    plot: list[str] = []
    if report.recent and folder is not None:
        from forge_core.shards.read import read_metadata
        from forge_view.deal_plots import draw_deals

        deals = [read_metadata(folder / shard) for shard in report.recent]
        plot = ["States and values of the deals", picture(lambda path: draw_deals(path, deals))]
    rows = [*report.rows, ("folder", "the store" if folder is None else str(folder))]
    publish("fill", page(report.title, rows, *plot), f"{report.made:,} {report.unit}s made")


def report_tokens(tokens: Reference) -> None:
    """Training arrays on the run's page."""
    rows = [*token_rows(tokens), *_object_rows([tokens])]
    publish(key_of(tokens), page("Training arrays", rows), "Training arrays")


def report_model(model: Reference, tokens: Reference | Path) -> None:
    """A model on the run's page: what it is, what it learned from, its metrics on the val split, and its curves."""
    folder = store().path(model)
    config = json.loads((folder / "config.json").read_bytes())
    metrics = json.loads((folder / "metrics.json").read_bytes())["model"]["overall"]
    settings = config["settings"]
    rows = [
        ("network", f"{settings['network']}, {settings['size']}; {config['parameters']:,} parameters"),
        ("learned", f"{settings['kind']}; kept epoch {config['best_epoch'] + 1:,} of {settings['epochs']:,}"),
        *((f"{name} on val", metric(name, metrics[name])) for name in METRICS),
        *_object_rows([model]),
    ]
    if isinstance(tokens, Reference) and published(key_of(tokens)) is None:
        report_tokens(tokens)
    text = page(
        "Model", rows, links(tracking.address_of(tracking.recall(model)), tokens), read_picture(folder / "curves.png")
    )
    publish(key_of(model), text, f"A model: q_gap {metrics['q_gap']:.3f} on val")


def report_onnx(onnx: Reference, model: Reference | Path) -> None:
    """The ONNX files of a model on the run's page."""
    where = page("Where", [("exported from", named(model)), *_object_rows([onnx])])
    publish(key_of(onnx), page("ONNX", file_rows(onnx), where, columns=FILE_COLUMNS), "A model for onnxruntime")


def report_games(games: Sequence[Reference]) -> None:
    """Games on the run's page; what an earlier run has shown of the same ones is not drawn again."""
    digest = hashlib.sha256("".join(each.digest for each in games).encode()).hexdigest()
    key = f"games-of-{digest[:12]}"
    publish(key, published(key) or _games_page(games), "E[Q] games")


def _games_page(games: Sequence[Reference]) -> str:
    from forge_core.expected_q.files import read_game
    from forge_core.expected_q.summary import summarize
    from forge_view.game_plots import draw_summary

    files = [path for each in games for path in sorted(store().path(each).rglob("*.pt"))][:_DRAWN]
    plot = picture(lambda path: draw_summary(path, summarize([read_game(file) for file in files])))
    return page("E[Q] games", [*game_rows(games), *_object_rows(games)], plot)


def report_pipeline(result: PipelineResult) -> None:
    """The whole pipeline on the run's page."""
    counts = ("artifacts", f"{result.tally.cached} from the store, {result.tally.made} made")
    pages = [(each.kind, link_to(each)) for each in (result.tokens, result.model, result.onnx)]
    publish("pipeline", page("Pipeline", [counts, *pipeline_rows(result), *pages]), "The whole pipeline")


def _object_rows(references: Sequence[Reference]) -> Rows:
    """Objects by the names that forms and `forge store ls` know, with their sizes; a few of many."""
    rows = [(each.short, f"{each.files:,} files, {each.size / 1e6:,.1f} MB") for each in references[:_LISTED]]
    more = len(references) - len(rows)
    return [*rows, (f"... and {more:,} more", "")] if more else rows


def read_export(onnx: Reference) -> ExportReport:
    """What an export found."""
    return ExportReport.model_validate_json((store().path(onnx) / REPORT).read_bytes())


def file_rows(onnx: Reference) -> list[tuple[str, ...]]:
    """Every file of an export against torch; the columns are FILE_COLUMNS."""
    return [_row(precision, parity) for precision, parity in read_export(onnx).files.items()]


def _row(precision: Precision, parity: Parity) -> tuple[str, ...]:
    if parity.refused is not None:
        return (f"{precision.file}, left out: {parity.refused}", *[""] * (len(FILE_COLUMNS) - 1))
    interval = "one deal alone" if parity.interval is None else "{:+.4f} to {:+.4f}".format(*parity.interval)
    return (
        precision.file,
        f"{parity.bytes / 1000:,.0f}",
        f"{parity.mean_difference:.1e}",
        f"{parity.max_difference:.1e}",
        f"{parity.other_plays:.2%}",
        f"{parity.q_gap_change:+.4f}",
        interval,
    )
