"""A seat network on disk: weights and config, as training writes them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError

from forge_core.errors import ModelError
from forge_core.files import SUMS, check_sums, remove, replacing, write_text
from forge_core.learn.settings import CONFIG, WEIGHTS
from forge_core.seat.encode import N_INPUTS
from forge_core.seat.settings import SeatArchitecture, SeatSettings

if TYPE_CHECKING:
    from forge_core.seat.network import SeatNetwork

FORMAT_VERSION = 1
ONNX_CONFIG = "crystal_forge.seat"
"""The key under which an ONNX file carries its network's config."""


class SeatConfig(BaseModel):
    """What a seat network is and where it comes from.

    inputs          how many numbers it reads (see `encode`)
    initial_digest  sha256 of the weights that it started from; None = drawn by the seed
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    kind: str = "seat"
    inputs: int = N_INPUTS
    settings: SeatSettings
    initial_digest: str | None = None

    @property
    def architecture(self) -> SeatArchitecture:
        """The shape of the network."""
        return self.settings.architecture


def write_seat_model(folder: Path, network: "SeatNetwork", config: SeatConfig) -> None:
    """Write the weights, then the config: a folder without a config is no model."""
    from safetensors.torch import save_file

    remove(folder / SUMS)  # of what was here before
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, str(temporary))
    write_text(folder / CONFIG, config.model_dump_json(indent=1))


def read_seat_config(text: bytes | str, source: Path) -> SeatConfig:
    """The config in `text`, which comes from `source`. Raises ModelError."""
    try:
        config = SeatConfig.model_validate_json(text)
    except ValidationError as problem:
        raise no_seat_network(source, problem.errors()[0]["msg"]) from problem
    if (config.format_version, config.kind, config.inputs) != (FORMAT_VERSION, "seat", N_INPUTS):
        raise no_seat_network(source, f"kind {config.kind}, format {config.format_version}, {config.inputs} inputs")
    return config


def is_seat_folder(folder: Path) -> bool:
    """Whether the config in a folder says that it is a seat network's."""
    try:
        return json.loads((folder / CONFIG).read_bytes()).get("kind") == "seat"
    except (OSError, ValueError, AttributeError):
        return False


def read_seat_network(folder: Path) -> tuple["SeatNetwork", SeatConfig]:
    """The network, on the CPU and ready to be asked, and its config.

    Raises ModelError for anything else, DamagedFile when it is not what the checksums beside it say.
    """
    from safetensors.torch import load_file

    from forge_core.seat.network import build_seat_network

    check_sums(folder, (WEIGHTS, CONFIG))
    try:
        config = read_seat_config((folder / CONFIG).read_bytes(), folder / CONFIG)
        network = build_seat_network(config.architecture, config.settings.seed)
        network.load_state_dict(load_file(str(folder / WEIGHTS)))
    except (OSError, SafetensorError, RuntimeError) as problem:
        raise no_seat_network(folder, str(problem).splitlines()[0]) from problem
    return network.eval(), config


def no_seat_network(path: Path, problem: str) -> ModelError:
    """The error for what should be a seat network and is none."""
    return ModelError.of(
        got=f"{path}, which is no seat network ({problem})",
        expected=f"a folder with {WEIGHTS} and {CONFIG} as `forge train --kind seat` writes it",
        remedy="check the path, or train the network again",
    )
