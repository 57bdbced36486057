"""A trained model on disk: `model.safetensors` with the weights and `config.json` with everything else. No pickles."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from forge_core.files import replacing, write_text
from forge_core.learn.build import build_network, count_parameters
from forge_core.learn.model_config import CONFIG, WEIGHTS, ModelConfig, not_a_model, read_config
from forge_core.learn.network import Network
from forge_core.learn.settings import TrainSettings


def write_model(folder: Path, network: Network, config: ModelConfig) -> None:
    """Write the weights, then the config: a folder without a config is no model."""
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
