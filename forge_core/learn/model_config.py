"""What a trained model says of itself on disk, `config.json`, read without torch."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from forge_core.errors import ModelError
from forge_core.learn.settings import Architecture, ModelKind, TrainSettings

FORMAT_VERSION = 1
WEIGHTS = "model.safetensors"
CONFIG = "config.json"


class ModelConfig(BaseModel):
    """What a model is and where it comes from.

    kind            qvalue: slots are Q in points; policy: slots are logits
    parameters      how many numbers training adjusted
    dataset_digest  sha256 of the manifest of the tokens it learned from
    best_epoch      the epoch (from 0) whose weights were kept, by q_gap on the val split
    settings        of the training run
    initial_digest  sha256 of the weights that it started from; None = drawn by the seed
    trained_on      the processor's name
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    kind: ModelKind
    architecture: Architecture
    parameters: int
    dataset_digest: str
    best_epoch: int
    settings: TrainSettings
    initial_digest: str | None = None
    trained_on: str = ""


def read_config(folder: Path) -> ModelConfig:
    """The config of the model in a folder. Raises ModelError when there is none."""
    path = folder / CONFIG
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise not_a_model(folder, f"{path.name}: {problem}") from problem
    return parse_config(text, path)


def parse_config(text: str, source: Path) -> ModelConfig:
    """The config in `text`, which comes from `source`. Raises ModelError."""
    try:
        config = ModelConfig.model_validate_json(text)
    except ValidationError as problem:
        raise not_a_model(source, problem.errors()[0]["msg"]) from problem
    if config.format_version != FORMAT_VERSION:
        raise ModelError.of(
            got=f"{source} of format version {config.format_version}",
            expected=f"format version {FORMAT_VERSION}",
            remedy="train or promote the model again with this program",
        )
    return config


def check_weights(path: Path) -> None:
    """Look at the head of a file of weights, which says what is in it. Raises ModelError for one that was cut."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            pass
    except (OSError, SafetensorError) as problem:
        raise not_a_model(path, str(problem).splitlines()[0]) from problem


def not_a_model(path: Path, problem: str) -> ModelError:
    """The error for what should be a model and is none."""
    return ModelError.of(
        got=f"{path}, which is no model ({problem})",
        expected=f"a folder with {WEIGHTS} and {CONFIG} as `forge train` writes it, or an .onnx file of `forge export`",
        remedy="check the path, or train the model again",
    )
