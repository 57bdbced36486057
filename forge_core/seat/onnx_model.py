"""An exported seat network in onnxruntime, and how a seat network is found by name."""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile

from forge_core.files import sha256_of
from forge_core.seat.encode import Inputs
from forge_core.seat.folder import ONNX_CONFIG, SeatConfig, no_seat_network, read_seat_config
from forge_core.seat.model import Ask, AskedInRows


def onnx_ask(path: Path) -> tuple[Ask, SeatConfig]:
    """The network in a file, asked by one thread at a time of its own, and its config. Raises ModelError."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile) as problem:
        raise no_seat_network(path, str(problem).splitlines()[0]) from problem
    written = session.get_modelmeta().custom_metadata_map.get(ONNX_CONFIG)
    if written is None:
        raise no_seat_network(path, "it carries no config of one")

    def ask(asked: Inputs) -> tuple[np.ndarray, np.ndarray]:
        chances, belief = session.run(["chances", "belief"], {"inputs": asked.inputs, "slots": asked.slots})
        return np.asarray(chances), np.asarray(belief)

    return ask, read_seat_config(written, path)


def onnx_seat(path: Path, *, threads: int = 1) -> AskedInRows:
    """The network in a file as a `SeatModel`, asked by so many threads. Raises ModelError."""
    return AskedInRows(onnx_ask(path)[0], sha256_of(path), max(1, threads))
