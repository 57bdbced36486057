"""A model as it is promoted: half the bytes, and every number it was measured with.

Weights are rounded to half precision first and measured afterwards, so what is measured is what is published. Computing
stays in single precision, by torch and by onnxruntime.
"""

import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file

from forge_core.learn.model import read_model
from forge_core.learn.model_config import CONFIG, WEIGHTS

_SMALL = 1024  # numbers; the cast that restores a smaller tensor would outweigh what it saves


def write_half_precision(model: Path, output: Path) -> None:
    """Write the model in a folder into the folder `output`, its weights in half precision. Raises ModelError."""
    read_model(model)
    weights = load_file(str(model / WEIGHTS))
    halves = {name: each.half() if each.dtype is torch.float32 else each for name, each in weights.items()}
    save_file(halves, str(output / WEIGHTS))
    shutil.copyfile(model / CONFIG, output / CONFIG)


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
