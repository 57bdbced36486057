"""The stage `export`: write a model as ONNX in every precision, each checked against torch."""

from collections.abc import Sequence
from pathlib import Path

from forge_core.learn.export_report import ExportSettings
from tasks.stage import Context, Details, Machine, Stage


def run(_context: Context, folder: Path, settings: ExportSettings, inputs: Sequence[Path]) -> Details:
    """Write the ONNX files and their report. The inputs are a model and training arrays. Raises ParityError."""
    from forge_core.learn.export import export_onnx
    from forge_core.shards.split import Split
    from forge_core.tokens.arrays import load_split

    network, tokens = inputs
    export_onnx(network, folder, load_split(tokens, Split.VAL), settings)
    return {}


STAGE = Stage(
    name="export",
    settings=ExportSettings,
    kind="onnx",
    run=run,
    machine=Machine(cores=2, memory=8, gpu=False),
)
