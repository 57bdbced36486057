"""A model from disk, ready to be asked, by torch or by onnxruntime: the same interface and the same answers."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from jaxtyping import Bool, Int8
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile

from forge_core.errors import ModelError, WrongModelType
from forge_core.files import sha256_of
from forge_core.learn.catalog import DEFAULT, SUMS, Catalog, verify
from forge_core.learn.model import Answer
from forge_core.learn.model_config import CONFIG, WEIGHTS, ModelConfig, not_a_model, parse_config
from forge_core.learn.model_folder import read_model
from forge_core.learn.network import Network
from forge_core.learn.resume import read_checkpoint
from forge_core.learn.settings import ModelKind

ONNX_CONFIG = "crystal_forge"
"""The key under which an ONNX file carries its model's config."""


class TorchModel:
    """A network in torch."""

    def __init__(self, network: Network, config: ModelConfig | None = None, digest: str = "") -> None:
        self.network = network
        self.config = config
        self.digest = digest

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        return self.network.kind

    def __call__(self, tokens: Int8[np.ndarray, "n 32 12"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
        """All states in one batch, on the device where the network is."""
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            slots, value = self.network(torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device))
        return Answer(slots.cpu().numpy(), value.cpu().numpy())


class OnnxModel:
    """An exported network in onnxruntime, on the CPU. Raises ModelError when the file is no exported model."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile) as problem:
            raise not_a_model(path, str(problem).splitlines()[0]) from problem
        written = self._session.get_modelmeta().custom_metadata_map.get(ONNX_CONFIG)
        if written is None:
            raise not_a_model(path, "it carries no config")
        self.config = parse_config(written, path)
        self.digest = sha256_of(path)

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        return self.config.kind

    def __call__(self, tokens: Int8[np.ndarray, "n 32 12"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
        """All states in one batch."""
        slots, value = self._session.run(["slots", "value"], {"tokens": tokens, "mask": mask})
        return Answer(np.asarray(slots), np.asarray(value))


def load(
    model: Path | str, *, kind: ModelKind | None = None, device: str = "cpu", catalog: Path = DEFAULT
) -> TorchModel | OnnxModel:
    """The model in a folder that training wrote (onto `device`), in an .onnx file or in the catalog.

    Or, from the last.ckpt of a run that is not at its end, its best weights so far.

    model    a path; or a string that is "champion" or another name of the catalog, else a path
    catalog  the catalog's folder

    Nothing in the files is executed. Raises ModelError when there is no model, DamagedFile when a promoted one is not
    what its checksums say, WrongModelType when it is not of the `kind` that the caller needs.
    """
    path = _place(model, kind, catalog)
    if path.suffix == ".onnx":
        loaded: TorchModel | OnnxModel = OnnxModel(path)
    elif path.is_dir() or path.name in (WEIGHTS, CONFIG):
        folder = path if path.is_dir() else path.parent
        if (folder / SUMS).exists():
            verify(folder)
        network, config = read_model(folder)
        loaded = TorchModel(network.to(device), config, sha256_of(folder / WEIGHTS))
    elif path.suffix == ".ckpt":
        network, config = read_checkpoint(path)
        loaded = TorchModel(network.to(device), config, sha256_of(path))
    else:
        raise not_a_model(path, "neither a folder nor an .onnx file" if path.exists() else "there is nothing")
    if kind is not None and loaded.kind != kind:
        raise _wrong_kind(path, loaded.kind, kind)
    return loaded


def fastest_device() -> str:
    """Where torch computes fastest here."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _place(model: Path | str, kind: ModelKind | None, catalog: Path) -> Path:
    if isinstance(model, Path):
        return model
    return Catalog(catalog).find(model, kind) or Path(model)


def _wrong_kind(path: Path, got: ModelKind, kind: ModelKind) -> ModelError:
    names = {"qvalue": "a Q-value model (points)", "policy": "a policy model (logits)"}
    return WrongModelType.of(
        got=f"{path}, {names[got]}", expected=names[kind], remedy=f"name a model trained with kind {kind}"
    )
