"""Export a model to ONNX."""

import json
from pathlib import Path

from forge_core.artifacts.reference import Reference
from forge_core.shards.split import Split
from tasks.stage import artifact, source, stage_task, store

ONNX = "model.onnx"
REPORT = "parity.json"


@stage_task(name="export")
def export(model: Reference | Path, tokens: Reference | Path) -> Reference:
    """The model as ONNX, checked against torch on samples of the val split. Raises ParityError."""
    network, data = source(model), source(tokens)

    def make(folder: Path) -> None:
        from forge_core.learn.export import export_onnx
        from forge_core.tokens.dataset import load_split

        report = export_onnx(network.path, folder / ONNX, load_split(data.path, Split.VAL))
        (folder / REPORT).write_text(json.dumps({"max_difference": report.max_difference, "samples": report.samples}))

    return artifact(
        "export",
        make,
        kind="onnx",
        code=["forge_core.learn.export"],
        settings={},
        inputs=[network.digest, data.digest],
    )


def read_parity(onnx: Reference) -> float:
    """The largest difference between ONNX and torch that the export found, in points."""
    return float(json.loads((store().path(onnx) / REPORT).read_text())["max_difference"])
