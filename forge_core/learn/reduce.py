"""An ONNX model in fewer bytes: half precision, or weights of eight bits. Inputs and outputs stay what they are."""

import logging
from importlib import import_module
from typing import Any

import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16

from forge_core.learn.export_report import Precision
from forge_core.learn.quiet import quiet

_BLOCK = 32  # weights that share a scale
_INT8_PRODUCTS = 4  # onnxruntime's name for: multiply in int8 where the processor can, inputs scaled block by block


def reduced(model: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    """The float32 model in another precision; the model itself is left as it was. Equal models give equal bytes."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if precision is Precision.FP16:
        return convert_float_to_float16(copy, keep_io_types=True)
    return _int8(copy) if precision is Precision.INT8 else copy


def _int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """All products with weights in int8.

    Unlike onnxruntime's dynamic quantisation, which scales the inputs of a whole batch by the largest of them, this
    gives a state the same answer whatever other states it is asked with.
    """
    products = ONNXModel(model)
    products.replace_gemm_with_matmul()
    quantizer = _blockwise()(
        products.model, bits=8, block_size=_BLOCK, is_symmetric=True, accuracy_level=_INT8_PRODUCTS
    )
    with quiet("onnxruntime.quantization"):
        quantizer.process()
    quantizer.model.clean_initializers()
    return quantizer.model.model


def _blockwise() -> Any:
    """onnxruntime's MatMulNBitsQuantizer. Its module sets up the root logger when it is imported: that is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        return import_module("onnxruntime.quantization.matmul_nbits_quantizer").MatMulNBitsQuantizer
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
