"""A trained model as ONNX, accepted only if onnxruntime gives the same numbers on real samples."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from forge_core.errors import ParityError
from forge_core.learn.batches import draw
from forge_core.learn.evaluate import answers
from forge_core.learn.inference import ONNX_CONFIG, OnnxModel, TorchModel
from forge_core.learn.model_folder import read_model
from forge_core.learn.network import Network
from forge_core.learn.quiet import quiet
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.vocabulary import N_FEATURES, N_TOKENS

LIMIT = 1e-3
"""Largest difference in points (or logits) between torch and onnxruntime that is accepted."""

OPSET = 20
_SAMPLES = 4096
_TRACED_BATCH = 3  # any size that is not special: 0 and 1 would be specialised


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported, and how well it agrees.

    max_difference  over all samples and outputs, points (logits for the slots of a policy)
    samples         how many real samples were compared
    bytes           size of the file
    """

    path: Path
    max_difference: float
    samples: int
    bytes: int


def export_onnx(model_folder: Path, output: Path, samples: TokenArrays) -> ExportReport:
    """Export the model in a folder to the ONNX file `output` and compare both on (at most 4,096 of) the samples.

    Inputs `tokens` int8[batch, 32, 12] and `mask` bool[batch, 32]; outputs `slots` float32[batch, 7] and `value`
    float32[batch] in points, mover's view; the batch is free. The file carries its config.

    Raises ModelError when the folder holds no model and ParityError when the answers differ by more than 1e-3; then no
    file is left, and one that was there before is untouched.
    """
    network, config = read_model(model_folder)
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.stem}.tmp.onnx")
    try:
        exported = _export(network)
        onnx.helper.set_model_props(exported, {ONNX_CONFIG: config.model_dump_json()})
        onnx.save(exported, str(temporary))
        compared = draw(samples, _SAMPLES, seed=0)
        difference = max_difference(TorchModel(network), OnnxModel(temporary), compared)
        if not difference <= LIMIT:
            raise ParityError.of(
                got=f"answers of the exported model that differ from torch's by up to {difference:.2g} points",
                expected=f"at most {LIMIT:g} on {len(compared)} samples",
                remedy="report this: the exporter and onnxruntime do not fit the network",
            )
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return ExportReport(output, difference, len(compared), output.stat().st_size)


def max_difference(one: TorchModel | OnnxModel, other: TorchModel | OnnxModel, samples: TokenArrays) -> float:
    """The largest absolute difference between two models' answers, every slot and the value, batched and singly."""
    few = draw(samples, 8, seed=1)
    singly = [(few.tokens[i : i + 1], few.mask[i : i + 1]) for i in range(len(few))]
    pairs = [
        (answers(one, samples), answers(other, samples)),
        *((one(tokens, mask), other(tokens, mask)) for tokens, mask in singly),
    ]
    return max(float(np.abs(x - y).max()) for pair in pairs for x, y in zip(*pair, strict=True))


def _export(network: Network) -> onnx.ModelProto:
    tokens = torch.zeros(_TRACED_BATCH, N_TOKENS, N_FEATURES, dtype=torch.int8)
    mask = torch.ones(_TRACED_BATCH, N_TOKENS, dtype=torch.bool)
    with quiet("torch.onnx"):
        program = torch.onnx.export(
            network,
            (tokens, mask),
            dynamo=True,
            opset_version=OPSET,
            input_names=["tokens", "mask"],
            output_names=["slots", "value"],
            dynamic_shapes={"tokens": {0: torch.export.Dim("batch")}, "mask": {0: torch.export.Dim.DYNAMIC}},
            verbose=False,
        )
    if program is None:
        raise ParityError.of(got="no program", expected="an ONNX program from torch", remedy="report this")
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes, which hold stack traces: the file must not depend on the machine."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model
