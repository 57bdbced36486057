"""The settings of a training run, and what a trained model says of itself on disk, `config.json`.

The settings are everything that changes what comes out of a run, and nothing else; a model keeps those that made it.
Nothing here needs torch.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forge_core.errors import ModelError
from forge_core.seeds import Seed
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings

NetworkName = Literal["mlp", "transformer"]
SizeName = Literal["tiny", "small", "medium", "large", "huge"]
ModelKind = Literal["qvalue", "policy"]
SourceName = Literal["tokens", "stream"]
FeatureSet = Literal["ownership", "tricks"]
Compile = Literal["auto", "on", "off"]
Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
StrategyName = Literal["auto", "ddp"]
"""Lightning's names: `ddp` is a process a device, each with the whole network and a share of every batch."""


class Architecture(BaseModel):
    """The shape of a network; with its weights it is the whole model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: NetworkName = Field(description="Residual MLP over ownership, or transformer over the tokens.")
    width: int = Field(ge=8, le=8192, description="Width of the residual stream.")
    layers: int = Field(ge=1, le=64, description="Residual blocks of the MLP, or encoder layers.")
    heads: int = Field(ge=1, le=64, description="Attention heads; the MLP has one in name.")
    feedforward: int = Field(ge=8, le=32768, description="Width inside a block's two linear layers.")
    features: FeatureSet = Field(
        default="ownership",
        description="Inputs of the MLP: who owns what, or (tricks) also what a play or a lead wins. Older models say "
        "nothing of it.",
    )


def _mlp(width: int, layers: int) -> Architecture:
    return Architecture(network="mlp", width=width, layers=layers, heads=1, feedforward=width, features="tricks")


def _transformer(width: int, layers: int, heads: int, feedforward: int) -> Architecture:
    return Architecture(network="transformer", width=width, layers=layers, heads=heads, feedforward=feedforward)


SIZES: dict[tuple[NetworkName, SizeName], Architecture] = {
    ("mlp", "tiny"): _mlp(256, 3),
    ("mlp", "small"): _mlp(304, 2),
    ("mlp", "medium"): _mlp(512, 3),
    ("mlp", "large"): _mlp(640, 3),
    ("mlp", "huge"): _mlp(1024, 4),
    ("transformer", "tiny"): _transformer(64, 2, 4, 128),
    ("transformer", "small"): _transformer(128, 4, 8, 512),
    ("transformer", "medium"): _transformer(192, 6, 8, 512),
    ("transformer", "large"): _transformer(256, 6, 8, 512),
    ("transformer", "huge"): _transformer(384, 8, 8, 1024),
}
"""The presets of both networks: `tiny` for a demonstration, `small` with about 0.8M parameters, `medium` 2.3M,
`large` 3.3M, `huge` 9.6M."""


STREAM_EPOCH = 1_000_000
"""Samples between two validations of a stream, which has no length of its own."""


class StreamSettings(BaseModel):
    """Fresh deals of the train split, solved while the network learns; every deal is seen once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_seed: Seed = Field(default=0, description="Deals begin with the first train seed from here on.")
    deals_per_block: int = Field(default=64, ge=1, le=4096, description="Deals whose samples are shuffled together.")
    shards: ShardSettings = Field(
        default=ShardSettings(states_per_deal=4000), description="How many states of a deal, and how they are chosen."
    )
    tokens: TokenSettings = Field(default=TokenSettings(), description="Which of them become samples.")


class TrainSettings(BaseModel):
    """One training run. An epoch is what lies between two looks at the validation split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: NetworkName = Field(
        default="mlp", description="mlp for machines without a GPU, transformer for those with one."
    )
    size: SizeName = Field(
        default="tiny", description="tiny, small (about 0.8M parameters), medium (2.3M), large (3.3M) or huge (9.6M)."
    )
    source: SourceName = Field(
        default="tokens",
        description="tokens: the train split on disk. stream: fresh deals, solved while the network learns.",
    )
    stream: StreamSettings = Field(
        default_factory=lambda: StreamSettings.model_validate({}), description="What the source `stream` gives."
    )
    kind: ModelKind = Field(
        default="qvalue", description="Learn every play's Q value, or a policy softened by the Q values."
    )
    epochs: int = Field(
        default=20, ge=1, le=100_000, description="Epochs at most; the learning rate ends with the last one."
    )
    samples_per_epoch: int | None = Field(
        default=None,
        ge=1,
        description="Samples between two validations; none = as many as the train split has, 1,000,000 of a stream.",
    )
    validation_samples: int | None = Field(
        default=20_000, ge=1, description="Samples of the val split looked at after each epoch, drawn once; none = all."
    )
    batch_size: int = Field(default=1024, ge=1, le=1_048_576, description="Samples in a training step.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="Peak learning rate of AdamW.")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of all steps in which the learning rate rises.")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="AdamW's weight decay.")
    gradient_clip: float = Field(default=1.0, gt=0, description="Largest norm of a step's gradient.")
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Decay of the averaged weights that are validated and kept; 0 = the last weights.",
    )
    value_weight: float = Field(
        default=0.5, ge=0, le=100, description="Weight of the value head's loss beside the plays'."
    )
    difference_weight: float = Field(
        default=4.0,
        ge=0,
        le=100,
        description="Weight of the error of differences between a state's plays; kind qvalue.",
    )
    temperature: float = Field(
        default=2.0, gt=0, le=100, description="Temperature in points of the softmax over Q that a policy learns."
    )
    precision: Precision = Field(
        default="auto", description="auto: bfloat16 mixed where the processor computes in it, float32 elsewhere."
    )
    compile: Compile = Field(
        default="auto",
        description="Compile the training step; auto: on a GPU, where it pays for the minute that it takes.",
    )
    patience: int = Field(default=10, ge=1, description="Stop after this many epochs without a better q_gap on val.")
    seed: Seed = Field(default=0, description="Keys the first weights, the order of the samples and the val draw.")

    @property
    def architecture(self) -> Architecture:
        """The shape of the network that the preset names."""
        return SIZES[self.network, self.size]

    @property
    def stream_epoch(self) -> int:
        """Samples between two validations when they come from a stream."""
        return self.samples_per_epoch or STREAM_EPOCH

    def quick_check(self) -> Self:
        """The same run cut down to a few steps: every part of it works once, nothing is learned."""
        batch = min(self.batch_size, 64)
        changes = {"epochs": 2, "batch_size": batch, "samples_per_epoch": 2 * batch, "validation_samples": batch}
        return self.model_copy(update=changes)


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
