"""What every trained model looks like to those that ask it, and the folder that keeps one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Int8
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from forge_core.files import SUMS, remove, replacing, write_text
from forge_core.learn.model_config import CONFIG, WEIGHTS, ModelConfig, not_a_model, read_config
from forge_core.learn.network import Network, build_network, count_parameters
from forge_core.learn.settings import ModelKind, TrainSettings
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.vocabulary import N_SLOTS

BATCH = 4096


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

    def __call__(self, tokens: Int8[np.ndarray, "n 32 12"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
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
