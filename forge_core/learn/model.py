"""Trained networks: what they answer, the folder that keeps one, the checkpoint of a run, and how one is asked.

A model from disk or from the catalog is asked by torch or by onnxruntime, with the same interface and the same answers.
A checkpoint says of which run it is; the run may go on from it, and its best weights so far are a model, too.
"""

import logging
import pickle
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
import onnxruntime
import torch
from jaxtyping import Bool, Float32, Int8
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from forge_core.errors import InputError, ModelError, WrongModelType
from forge_core.files import SUMS, check_records, check_sums, remove, replacing, sha256_of, write_text
from forge_core.learn.catalog import DEFAULT, FILES, Catalog
from forge_core.learn.network import Network, build_network, count_parameters
from forge_core.learn.settings import (
    CONFIG,
    WEIGHTS,
    ModelConfig,
    ModelKind,
    TrainSettings,
    not_a_model,
    parse_config,
    read_config,
)
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.vocabulary import CARDINALITY, N_FEATURES, N_SLOTS, N_TOKENS

logger = logging.getLogger(__name__)

BATCH = 4096

LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"
"""The checkpoint before the last one."""

KEY = "crystal_forge"
"""Under this key a checkpoint says of which run it is."""

BEST = "KeepBest"
"""Under this name Lightning stores the state of the callback that keeps the best weights."""

ONNX_CONFIG = "crystal_forge"
"""The key under which an ONNX file carries its model's config."""


class Answer(NamedTuple):
    """What a model says of n states, mover's view.

    slots  Q in points to go (kind qvalue) or logits (policy); illegal slots hold numbers without meaning
    value  V in points to go
    """

    slots: Float32[np.ndarray, "n 7"]
    value: Float32[np.ndarray, "n"]


class Model(Protocol):
    """Anything that answers like a trained network. `kind` says what the slots of its answers are."""

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        ...

    def __call__(self, tokens: Int8[np.ndarray, "n 32 9"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
        """The answer to n states."""
        ...


def answers(model: Model, arrays: TokenArrays, on_progress: Callable[[int], None] = lambda samples: None) -> Answer:
    """What the model says of all the samples, asked in batches, so that `arrays` may be mapped from files.

    on_progress  gets the number of samples of each batch
    """
    found = Answer(np.empty((len(arrays), N_SLOTS), np.float32), np.empty(len(arrays), np.float32))
    for first in range(0, len(arrays), BATCH):
        here = slice(first, first + BATCH)
        tokens, mask = np.array(arrays.tokens[here]), np.array(arrays.mask[here])  # torch wants memory it may write to
        found.slots[here], found.value[here] = model(tokens, mask)
        on_progress(len(arrays.seed[here]))
    return found


def write_model(folder: Path, network: Network, config: ModelConfig) -> None:
    """Write the weights, then the config: a folder without a config is no model."""
    remove(folder / SUMS)  # of what was here before
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, str(temporary))
    write_text(folder / CONFIG, config.model_dump_json(indent=1))


def config_of(network: Network, settings: TrainSettings, *, best_epoch: int, **origin: Any) -> ModelConfig:
    """The config of a network that a run with these settings trained; `origin` are the fields that say from what."""
    return ModelConfig(
        kind=settings.kind,
        architecture=settings.architecture,
        parameters=count_parameters(network),
        best_epoch=best_epoch,
        settings=settings,
        **origin,
    )


def read_model(folder: Path) -> tuple[Network, ModelConfig]:
    """The network, on the CPU and ready to be asked, and its config. Raises ModelError for anything else."""
    config = read_config(folder)
    network = build_network(config.architecture, config.kind, config.settings.seed)
    try:
        network.load_state_dict(load_file(str(folder / WEIGHTS)))
    except (OSError, SafetensorError, RuntimeError) as problem:
        raise not_a_model(folder / WEIGHTS, str(problem).splitlines()[0]) from problem
    return network.eval(), config


def write_half_precision(model: Path, output: Path) -> None:
    """Write the model in a folder into the folder `output` as it is promoted, its weights in half precision.

    They are rounded first and measured afterwards, so what is measured is what is published. Computing stays in single
    precision, by torch and by onnxruntime. Raises ModelError.
    """
    read_model(model)
    weights = load_file(str(model / WEIGHTS))
    halves = {name: each.half() if each.dtype is torch.float32 else each for name, each in weights.items()}
    save_file(halves, str(output / WEIGHTS))
    shutil.copyfile(model / CONFIG, output / CONFIG)


class RunIdentity(BaseModel):
    """What must be the same before and after a resumption: the settings, the tokens by their manifest's digest, and the
    weights that the run started from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: TrainSettings
    dataset_digest: str
    initial_digest: str | None = None


def check_resumable(path: Path, identity: RunIdentity) -> None:
    """Raises ModelError unless the file is a checkpoint of a run with this identity. Executes nothing in the file."""
    found = _read(path)[1]
    if found == identity:
        return
    if found.dataset_digest != identity.dataset_digest:
        difference = "other tokens"
    elif found.initial_digest != identity.initial_digest:
        difference = "other weights to start from"
    else:
        ours = identity.settings.model_dump()
        pairs = {name: (value, ours[name]) for name, value in found.settings.model_dump().items()}
        difference = ", ".join(f"{name} {old} instead of {new}" for name, (old, new) in pairs.items() if old != new)
    raise ModelError.of(
        got=f"the checkpoint {path} of another run: {difference}",
        expected="a checkpoint of a run with the same settings and tokens",
        remedy="resume with the settings and tokens that it was started with, or start anew",
    )


def sound_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in a run's folder that can be read; None = the run starts anew.

    One that is damaged gets the ending `.damaged`, and a warning says so.
    """
    for path in (folder / LAST, folder / PREVIOUS):
        if not path.exists():
            continue
        try:
            _read(path)
            return path
        except ModelError as damage:
            aside = path.replace(path.with_name(f"{path.name}.damaged"))
            logger.warning("%s It was set aside as %s, and the run goes on without it.", damage, aside)
    return None


def read_checkpoint(path: Path) -> tuple[Network, ModelConfig]:
    """The best network so far of a run that is not at its end, on the CPU, and what it is. Raises ModelError.

    Nothing in the file is executed.
    """
    content, identity = _read(path)
    settings, best = identity.settings, content["callbacks"][BEST]
    if not best["weights"]:
        raise ModelError.of(
            got=f"{path}, a checkpoint from before the run's first look at the val split",
            expected="one that holds the best weights so far",
            remedy="let the run end an epoch",
        )
    network = build_network(settings.architecture, settings.kind, settings.seed)
    network.load_state_dict(best["weights"])
    config = config_of(
        network,
        settings,
        best_epoch=best["epoch"],
        dataset_digest=identity.dataset_digest,
        initial_digest=identity.initial_digest,
    )
    return network.eval(), config


def _read(path: Path) -> tuple[dict[str, Any], RunIdentity]:
    try:
        with path.open("rb") as file:
            check_records(file)
            content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return content, RunIdentity.model_validate(content[KEY])
    except (
        OSError,
        EOFError,
        RuntimeError,
        pickle.UnpicklingError,
        LookupError,
        TypeError,
        ValueError,
    ) as problem:
        raise ModelError.of(
            got=f"{path}, which is no checkpoint of a training run ({problem or type(problem).__name__})",
            expected="the last.ckpt that `forge train` writes after every epoch",
            remedy="check the path, or start the training anew",
        ) from problem


class TensorAnswer(NamedTuple):
    """An `Answer` in torch."""

    slots: Float32[Tensor, "n 7"]
    value: Float32[Tensor, "n"]


class _AskedInBatches(ABC):
    """What a model says of any number of states, from what it says of a batch."""

    @abstractmethod
    def _answered(self, tokens: Int8[Tensor, "n 32 9"], mask: Bool[Tensor, "n 32"]) -> tuple[Tensor, Tensor]:
        """The slots float32[n, 7] and the value float32[n] of at most BATCH states, on any device."""

    @overload
    def __call__(self, tokens: np.ndarray, mask: np.ndarray) -> Answer: ...

    @overload
    def __call__(self, tokens: Tensor, mask: Tensor) -> TensorAnswer: ...

    def __call__(self, tokens: np.ndarray | Tensor, mask: np.ndarray | Tensor) -> Answer | TensorAnswer:
        """Answer n states; arrays get arrays, tensors get tensors on the device of `tokens`. See `checked`."""
        as_tensors, tokens_in, mask_in = checked(tokens, mask)
        batches = zip(tokens_in.split(BATCH), mask_in.split(BATCH), strict=True)
        parts = [self._answered(t, m) for t, m in batches]
        slots, value = (torch.cat(part) for part in zip(*parts, strict=True))
        if as_tensors is not None:
            return TensorAnswer(slots.to(as_tensors), value.to(as_tensors))
        return Answer(slots.cpu().numpy(), value.cpu().numpy())


class TorchModel(_AskedInBatches):
    """A network in torch."""

    def __init__(self, network: Network, config: ModelConfig | None = None, digest: str = "") -> None:
        self.network = network
        self.config = config
        self.digest = digest

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        return self.network.kind

    def _answered(self, tokens: Int8[Tensor, "n 32 9"], mask: Bool[Tensor, "n 32"]) -> tuple[Tensor, Tensor]:
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            return self.network(tokens.to(device), mask.to(device))


class OnnxModel(_AskedInBatches):
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
        if (given := self._session.get_inputs()[0].shape[2]) != N_FEATURES:
            raise ModelError.of(
                got=f"{path}, which is asked with {given} features a token",
                expected=f"{N_FEATURES}: the domino stands in place of its pips since token format version 2",
                remedy="export the model again: forge export --checkpoint FOLDER --output DIR",
            )
        self.config = parse_config(written, path)
        self.digest = sha256_of(path)

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        return self.config.kind

    def _answered(self, tokens: Int8[Tensor, "n 32 9"], mask: Bool[Tensor, "n 32"]) -> tuple[Tensor, Tensor]:
        if not len(tokens):  # a fused product of onnxruntime refuses no rows
            return torch.zeros(0, N_SLOTS), torch.zeros(0)
        asked = {"tokens": tokens.cpu().numpy(), "mask": mask.cpu().numpy()}
        slots, value = (np.asarray(each) for each in self._session.run(["slots", "value"], asked))
        return torch.from_numpy(slots), torch.from_numpy(value)


def checked(tokens: Any, mask: Any) -> tuple[torch.device | None, Tensor, Tensor]:
    """What a model was asked, in the form that networks read.

    Args:
        tokens: [n, 32, 9], any integer type, values as the vocabulary defines them; n may be 0.
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
