"""A model from disk, ready to be asked, by torch or by onnxruntime: the same interface and the same answers."""

from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float32
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile
from torch import Tensor

from forge_core.errors import InputError, ModelError, WrongModelType
from forge_core.files import check_sums, sha256_of
from forge_core.learn.catalog import DEFAULT, FILES, Catalog
from forge_core.learn.model import BATCH, Answer, read_model
from forge_core.learn.model_config import CONFIG, WEIGHTS, ModelConfig, not_a_model, parse_config
from forge_core.learn.network import Network
from forge_core.learn.resume import read_checkpoint
from forge_core.learn.settings import ModelKind
from forge_core.tokens.vocabulary import CARDINALITY, N_FEATURES, N_SLOTS, N_TOKENS

ONNX_CONFIG = "crystal_forge"
"""The key under which an ONNX file carries its model's config."""


class TensorAnswer(NamedTuple):
    """An `Answer` in torch."""

    slots: Float32[Tensor, "n 7"]
    value: Float32[Tensor, "n"]


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

    @overload
    def __call__(self, tokens: np.ndarray, mask: np.ndarray) -> Answer: ...

    @overload
    def __call__(self, tokens: Tensor, mask: Tensor) -> TensorAnswer: ...

    def __call__(self, tokens: np.ndarray | Tensor, mask: np.ndarray | Tensor) -> Answer | TensorAnswer:
        """Answer n states; arrays get arrays, tensors get tensors on the device of `tokens`. See `checked`."""
        device = next(self.network.parameters()).device
        as_tensors, tokens_in, mask_in = checked(tokens, mask)
        with torch.inference_mode():
            parts = [
                self.network(t.to(device), m.to(device))
                for t, m in zip(tokens_in.split(BATCH), mask_in.split(BATCH), strict=True)
            ]
        slots, value = (torch.cat(part) for part in zip(*parts, strict=True))
        if as_tensors is not None:
            return TensorAnswer(slots.to(as_tensors), value.to(as_tensors))
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

    @overload
    def __call__(self, tokens: np.ndarray, mask: np.ndarray) -> Answer: ...

    @overload
    def __call__(self, tokens: Tensor, mask: Tensor) -> TensorAnswer: ...

    def __call__(self, tokens: np.ndarray | Tensor, mask: np.ndarray | Tensor) -> Answer | TensorAnswer:
        """Answer n states; arrays get arrays, tensors get tensors on the device of `tokens`. See `checked`."""
        as_tensors, tokens_in, mask_in = checked(tokens, mask)
        if not len(tokens_in):  # a fused product of onnxruntime refuses no rows
            answer = Answer(np.zeros((0, N_SLOTS), np.float32), np.zeros(0, np.float32))
            return answer if as_tensors is None else TensorAnswer(*(torch.from_numpy(a).to(as_tensors) for a in answer))
        parts = [
            self._session.run(["slots", "value"], {"tokens": t.cpu().numpy(), "mask": m.cpu().numpy()})
            for t, m in zip(tokens_in.split(BATCH), mask_in.split(BATCH), strict=True)
        ]
        slots, value = (np.concatenate([np.asarray(each) for each in part]) for part in zip(*parts, strict=True))
        if as_tensors is not None:
            return TensorAnswer(torch.from_numpy(slots).to(as_tensors), torch.from_numpy(value).to(as_tensors))
        return Answer(slots, value)


def checked(tokens: Any, mask: Any) -> tuple[torch.device | None, Tensor, Tensor]:
    """What a model was asked, in the form that networks read.

    Args:
        tokens: [n, 32, 12], any integer type, values as the vocabulary defines them; n may be 0.
        mask: [n, 32], bool, or numbers that are 0 or 1.

    Returns:
        The device of `tokens` if they are a tensor, else None; int8 tokens; bool mask.

    Raises:
        InputError: another type, dtype, shape or value.
    """
    for name, given, row in (("tokens", tokens, (N_TOKENS, N_FEATURES)), ("mask", mask, (N_TOKENS,))):
        if not isinstance(given, (np.ndarray, Tensor)) or tuple(given.shape[1:]) != row or given.ndim != len(row) + 1:
            is_array = isinstance(given, (np.ndarray, Tensor))
            raise _bad_input(f"{name}: {tuple(given.shape) if is_array else type(given).__name__}")
    if isinstance(tokens, Tensor) != isinstance(mask, Tensor):
        raise _bad_input(f"{type(tokens).__name__} tokens with a {type(mask).__name__} mask")
    if len(tokens) != len(mask):
        raise _bad_input(f"{len(tokens)} rows of tokens with {len(mask)} of the mask")
    device = tokens.device if isinstance(tokens, Tensor) else None
    found = tokens if isinstance(tokens, Tensor) else torch.from_numpy(np.require(tokens, requirements=["C", "W"]))
    there = mask if isinstance(mask, Tensor) else torch.from_numpy(np.require(mask, requirements=["C", "W"]))
    if found.is_floating_point() or found.is_complex() or found.dtype is torch.bool:
        raise _bad_input(f"tokens of {found.dtype}")
    if there.dtype is not torch.bool and not bool(((there == 0) | (there == 1)).all()):
        raise _bad_input("a mask with other numbers than 0 and 1")
    if found.dtype is not torch.int8:
        if len(found) and not 0 <= int(found.min()) <= int(found.max()) < max(CARDINALITY.values()):
            raise _bad_input(f"tokens from {int(found.min())} to {int(found.max())}")
        found = found.to(torch.int8)
    return device, found, there.bool()


def _bad_input(got: str) -> InputError:
    return InputError.of(
        got=got,
        expected=f"integer tokens [n, {N_TOKENS}, {N_FEATURES}] and a bool (or 0 and 1) mask [n, {N_TOKENS}], both "
        "NumPy arrays or both torch tensors",
        remedy="encode states with forge_core.tokens.encode",
    )


def load(
    model: Path | str, *, kind: ModelKind | None = None, device: str = "cpu", catalog: Path = DEFAULT
) -> TorchModel | OnnxModel:
    """The model in a folder that training wrote (onto `device`), in an .onnx file or in the catalog.

    Or, from the last.ckpt of a run that is not at its end, its best weights so far.

    model    a path; or a string that is "champion" or another name of the catalog, else a path
    catalog  the catalog's folder

    Nothing in the files is executed. Raises ModelError when there is no model, DamagedFile when one is not what the
    checksums beside it say, WrongModelType when it is not of the `kind` that the caller needs.
    """
    path = _place(model, kind, catalog)
    if path.suffix == ".onnx":
        check_sums(path.parent, (path.name,))
        loaded: TorchModel | OnnxModel = OnnxModel(path)
    elif path.is_dir() or path.name in (WEIGHTS, CONFIG):
        folder = path if path.is_dir() else path.parent
        check_sums(folder, FILES)
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
