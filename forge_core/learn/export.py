"""A trained model as ONNX, accepted only if onnxruntime answers like torch on real samples.

A file of half precision, or with weights of eight bits, keeps its inputs and outputs as they are.
"""

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from torch import Tensor, nn

from forge_core.errors import ParityError
from forge_core.files import write_text
from forge_core.learn.export_report import DEFAULT, REPORT, ExportReport, ExportSettings, Parity, Precision, refusal
from forge_core.learn.metrics import difference, measure_model
from forge_core.learn.model import ONNX_CONFIG, Answer, Model, OnnxModel, TorchModel, answers, read_model
from forge_core.learn.network import Network
from forge_core.learn.report import suppress_warnings
from forge_core.learn.settings import ModelConfig
from forge_core.tokens.arrays import TokenArrays, draw
from forge_core.tokens.vocabulary import N_FEATURES, N_TOKENS

OPSET = 20
TRACED_BATCH = 3
"""Rows of an example input: any number that is not special, as 0 and 1 are."""

ONNX_PRECISION = "crystal_forge.precision"
"""The key under which an ONNX file carries its precision."""

_SINGLY = 8  # samples that are also asked one by one
_SMALL = 1024  # numbers; the cast that restores a smaller tensor would outweigh what it saves
_BLOCK = 32  # weights that share a scale
_INT8_PRODUCTS = 4  # onnxruntime's name for: multiply in int8 where the processor can, inputs scaled block by block

_FLOAT32_ONLY = [each for each in DEFAULT_OP_BLOCK_LIST if each != "Max"]
"""Operators that get casts around them; those around a second Max of one tensor would have the first one's name."""

logger = logging.getLogger(__name__)


def export_onnx(
    model_folder: Path, output: Path, samples: TokenArrays, settings: ExportSettings = DEFAULT
) -> ExportReport:
    """Export the model in a folder into the folder `output`: a file of each precision, and the report.

    Inputs `tokens` int8[batch, 32, 9] and `mask` bool[batch, 32]; outputs `slots` float32[batch, 7] and `value`
    float32[batch] in points, mover's view; the batch is free. The files carry the model's config. A file of half
    precision or int8 beyond its limits is not written, and the report says why.

    Raises ModelError when the folder holds no model and ParityError when the float32 file does not agree; then nothing
    is written.
    """
    network, config = read_model(model_folder)
    judge = _Judge(TorchModel(network), draw(samples, settings.samples, seed=0))
    whole = _export(network)
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export.", dir=output) as temporary:
        files = {each: Path(temporary) / each.file for each in Precision}
        parities: dict[Precision, Parity] = {}
        for precision, path in files.items():
            _save(reduced(whole, precision), path, config, precision)
            parities[precision] = judge.compare(path, precision)
            if precision is Precision.FP32 and (problem := parities[precision].refused):
                raise ParityError.of(
                    got=f"an exported model whose answers differ from torch's: {problem}",
                    expected=f"agreement on {len(judge.samples)} samples",
                    remedy="report this: the exporter and onnxruntime do not fit the network",
                )
        for precision, path in files.items():
            if (problem := parities[precision].refused) is None:
                path.replace(output / precision.file)
            else:
                logger.warning("%s is left out: %s", precision.file, problem)
    report = ExportReport(samples=len(judge.samples), q_gap=judge.q_gap, files=parities)
    write_text(output / REPORT, report.model_dump_json(indent=1))
    return report


class _Judge:
    """Torch's answers to the samples, and what others make of them."""

    def __init__(self, model: TorchModel, samples: TokenArrays) -> None:
        self.samples = samples
        self._predicts_q = model.kind == "qvalue"
        self._answer = answers(model, samples)
        self._metrics = measure_model(*self._answer, samples, predicts_q=self._predicts_q)
        self.q_gap = self._metrics.overall.q_gap

    def compare(self, path: Path, precision: Precision) -> Parity:
        """A file against torch."""
        model = OnnxModel(path)
        answer = answers(model, self.samples)
        differences = self._differences(answer, slice(None))
        singly = self._singly(model)
        metrics = measure_model(*answer, self.samples, predicts_q=self._predicts_q)
        change = difference(metrics.by_deal, self._metrics.by_deal)
        largest = float(max(differences.max(), singly.max()))
        mean = float(differences.mean())
        return Parity(
            bytes=path.stat().st_size,
            max_difference=largest,
            mean_difference=mean,
            other_plays=float((self._plays(answer) != self._plays(self._answer)).mean()),
            q_gap_change=change.mean,
            interval=(change.low, change.high) if np.isfinite(change.low) else None,
            refused=refusal(precision, largest=largest, mean=mean, rise=change.low),
        )

    def _plays(self, answer: Answer) -> np.ndarray:
        return np.where(self.samples.legal, answer.slots, -np.inf).argmax(axis=1)

    def _differences(self, answer: Answer, rows: slice) -> np.ndarray:
        """Of all legal slots and values, in one row."""
        legal = self.samples.legal[rows]
        slots = np.abs(answer.slots - self._answer.slots[rows])[legal]
        return np.concatenate((slots, np.abs(answer.value - self._answer.value[rows])))

    def _singly(self, model: Model) -> np.ndarray:
        rows = [slice(i, i + 1) for i in range(min(_SINGLY, len(self.samples)))]
        asked = [(row, model(self.samples.tokens[row], self.samples.mask[row])) for row in rows]
        return np.concatenate([self._differences(answer, row) for row, answer in asked])


def _save(model: onnx.ModelProto, path: Path, config: ModelConfig, precision: Precision) -> None:
    helper.set_model_props(model, {ONNX_CONFIG: config.model_dump_json(), ONNX_PRECISION: precision.value})
    onnx.save(model, str(path))


def _export(network: Network) -> onnx.ModelProto:
    tokens = torch.zeros(TRACED_BATCH, N_TOKENS, N_FEATURES, dtype=torch.int8)
    mask = torch.ones(TRACED_BATCH, N_TOKENS, dtype=torch.bool)
    return _with_plain_look_ups(traced(_portable(network), {"tokens": tokens, "mask": mask}, ["slots", "value"]))


def traced(network: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
    """A network as torch exports it, with a free batch and without traces of the machine.

    Args:
        network: in eval mode.
        inputs: TRACED_BATCH rows of each, by the names of its parameters, which the file's inputs have, too.
        outputs: the names of what it returns.

    Raises:
        ParityError: torch made nothing.
    """
    free: dict[str, Any] = {name: {0: torch.export.Dim.DYNAMIC} for name in inputs}
    free[next(iter(inputs))] = {0: torch.export.Dim("batch")}
    with suppress_warnings("torch.onnx"):
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=free,
            verbose=False,
        )
    if program is None:
        raise ParityError.of(got="no program", expected="an ONNX program from torch", remedy="report this")
    return without_traces(program.model_proto)


def _portable(network: Network) -> Network:
    """A copy whose tables hold int32: onnxruntime-web 1.30 cannot choose among numbers of int8."""
    portable = deepcopy(network)
    for part in portable.modules():
        for name, table in part.named_buffers(recurse=False):
            if table.dtype is torch.int8:
                setattr(part, name, table.int())
    return portable


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes: stack traces, which depend on the machine, and the shapes in between.

    onnxruntime finds the shapes itself, and those noted for weights are wrong once a conversion transposes them.
    """
    graph = model.graph
    graph.ClearField("value_info")
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def _with_plain_look_ups(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with rows of tables fetched by Gather: the exporter writes Unsqueeze and GatherND, two operators."""
    graph = model.graph
    numbers = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type != "GatherND" or any(each.name == "batch_dims" and each.i for each in node.attribute):
            continue
        index = made_by.get(node.input[1])
        if index is not None and index.op_type == "Unsqueeze" and numbers[index.input[1]].tolist() == [-1]:
            gather = helper.make_node("Gather", [node.input[0], index.input[0]], node.output, node.name, axis=0)
            node.CopyFrom(gather)
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    kept = [node for node in graph.node if not used.isdisjoint(node.output)]
    del graph.node[:]
    graph.node.extend(kept)
    return model


def reduced(model: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    """The float32 model in another precision; the model itself is left as it was. Equal models give equal bytes."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if precision is Precision.FP16:
        return convert_float_to_float16(copy, keep_io_types=True, op_block_list=_FLOAT32_ONLY)
    return _int8(copy) if precision is Precision.INT8 else copy


def _int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """All products with weights in int8, tables in half precision.

    Unlike onnxruntime's dynamic quantisation, which scales the inputs of a whole batch by the largest of them, this
    gives a state the same answer whatever other states it is asked with.
    """
    products = ONNXModel(model)
    products.replace_gemm_with_matmul()
    quantizer = _blockwise()(
        products.model, bits=8, block_size=_BLOCK, is_symmetric=True, accuracy_level=_INT8_PRODUCTS
    )
    with suppress_warnings("onnxruntime.quantization"):
        quantizer.process()
    quantizer.model.clean_initializers()
    return with_halves(quantizer.model.model)


def _blockwise() -> Any:
    """onnxruntime's MatMulNBitsQuantizer. Its module sets up the root logger when it is imported: that is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        return import_module("onnxruntime.quantization.matmul_nbits_quantizer").MatMulNBitsQuantizer
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def shrink_onnx(source: Path, target: Path) -> None:
    """Store the tensors of an ONNX file in half precision where this loses nothing; its answers stay the same."""
    model = with_halves(onnx.load(str(source)))
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def with_halves(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its tensors in half precision where this loses nothing.

    A cast restores them when the file is loaded. Tensors that half precision would change are left as they are.
    """
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        numbers = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            halves = numbers.astype(np.float16)
        if numbers.size >= _SMALL and np.array_equal(halves, numbers):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(halves, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
