"""Export a model to ONNX."""

from pathlib import Path
from typing import Any

from forge_core.artifacts.reference import Reference
from forge_core.learn.export_report import DEFAULT, REPORT, ExportReport, ExportSettings, Parity, Precision
from forge_core.shards.split import Split
from tasks.elsewhere import elsewhere
from tasks.stage import artifact, source, stage_task, store

CODE = ("forge_core.learn.export",)
ONNX = Precision.FP32.file
FILE_COLUMNS = ("file", "kB", "points apart, mean", "at most", "other plays", "change of q_gap", "95 % interval")


@stage_task(name="export")
def export(model: Reference | Path, tokens: Reference | Path, settings: ExportSettings = DEFAULT) -> Reference:
    """The model as ONNX in every precision, checked against torch on samples of the val split. Raises ParityError."""
    network, data = source(model), source(tokens)

    recipe: dict[str, Any] = {"code": CODE, "settings": {"export": settings}}

    def make(folder: Path) -> None:
        if elsewhere():
            from tasks.remote.single import make_there

            make_there("export", folder, **recipe, inputs=[network, data])
        else:
            from forge_core.learn.export import export_onnx
            from forge_core.tokens.arrays import load_split

            export_onnx(network.path, folder, load_split(data.path, Split.VAL), settings)

    return artifact("export", make, kind="onnx", **recipe, inputs=[network.digest, data.digest])


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
