"""One training run, from a folder of tokens to a folder with a model.

It may go on from another network that answers like it, instead of from nothing: a smaller one, or one of another kind.
To grow, every unit of the stream is there twice, so layer norms see what they saw. A weight from a doubled unit is
halved, and noise of opposite sign on its two halves, which cancels as long as both units are equal, lets training tell
them apart (Chen et al., Net2Net, 2016). Blocks that are new add nothing yet; inputs that are new have weights of 0.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from torch import Tensor
from torch.nn.functional import pad

from forge_core.errors import InputError, WrongModelType
from forge_core.files import sha256_of, write_text
from forge_core.learn.batches import Source, StreamBatches, TrainBatches, TrainData
from forge_core.learn.ddp import Leader, WorkerSpec, leader, processor_name, workers
from forge_core.learn.lit_module import ForgeModule, History, KeepBest, SaveLast, StopEarly
from forge_core.learn.metrics import Metrics, measure_model, measure_random_play
from forge_core.learn.model import (
    LAST,
    Model,
    RunIdentity,
    TorchModel,
    answers,
    check_resumable,
    config_of,
    read_checkpoint,
    read_model,
    write_model,
)
from forge_core.learn.network import POINTS_SCALE, Network, build_network, input_width
from forge_core.learn.plots import Epoch, draw_curves, write_history
from forge_core.learn.report import EpochBar, suppress_warnings
from forge_core.learn.settings import WEIGHTS, Architecture, ModelKind, Precision, StrategyName, TrainSettings
from forge_core.shards.split import Split
from forge_core.solver.gpu import Device
from forge_core.tokens.arrays import TokenArrays, draw, load_split
from forge_core.tokens.manifest import MANIFEST

HISTORY = "history.json"
CURVES = "curves.png"
METRICS = "metrics.json"

_NOISE = 0.5
"""Standard deviation of the noise, in units of the weights' own."""


@dataclass(frozen=True, slots=True)
class TrainerConfig:
    """Where and under whose eyes a run takes place: nothing of it changes what is learned.

    resume              the `last.ckpt` of a run with the same settings and tokens, to go on from
    callbacks, loggers  Lightning's, beside our own
    console             where the progress bar goes; none = stderr. Silent where it is no terminal
    accelerator, devices, strategy  Lightning's names of the hardware. Several devices share each batch, a process
                        each, which are started for it unless torchrun has
    checkpoint_seconds  how much of a long epoch may be lost
    solver_threads, solver_device  what solves the deals of a stream
    """

    resume: Path | None = None
    callbacks: Sequence[Callback] = ()
    loggers: Sequence[Logger] = ()
    console: Console | None = None
    accelerator: str = "auto"
    devices: int | Literal["auto"] = 1
    strategy: StrategyName = "auto"
    checkpoint_seconds: float = 300.0
    solver_threads: int = 1
    solver_device: Device | None = None


class Comparison(BaseModel):
    """The same states, judged by three: the model, one that plays at random, and the same network before training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Metrics
    random_play: Metrics
    untrained: Metrics


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came out of a run; the same is in the files of its folder.

    best_epoch  whose weights are the model, by q_gap on val
    val         the model on the whole val split, beside random play and the untrained network
    """

    best_epoch: int
    epochs: tuple[Epoch, ...]
    seconds: float
    val: Comparison


def train(
    tokens: Path,
    output: Path,
    settings: TrainSettings,
    trainer_config: TrainerConfig = TrainerConfig(),
    *,
    initial: Path | None = None,
) -> TrainResult:
    """Train a network and keep the weights with the lowest q_gap on the val split of the token folder.

    It learns from the folder's train split or from a stream, as the settings say, and starts from the weights of
    `initial` (a model folder, or the best ones so far of a last.ckpt), or from weights that the seed draws.

    Writes into the folder `output`: model.safetensors and config.json (the model), metrics.json (the val split),
    history.json and curves.png (every epoch), last.ckpt and the previous.ckpt before it (to resume from). On one CPU,
    equal settings, tokens and machine give equal weights, whether the run was stopped in between or not; a GPU rounds
    as its sums happen to fall.

    Raises EmptySplit and other DataErrors for the tokens, ModelError when `resume` is no checkpoint of such a run or
    `initial` no model of the kind that can be grown to the shape, InputError when there are not so many devices.
    """
    val_arrays = load_split(tokens, Split.VAL)
    start = None if initial is None else sha256_of(initial / WEIGHTS if initial.is_dir() else initial)
    identity = RunIdentity(settings=settings, dataset_digest=sha256_of(tokens / MANIFEST), initial_digest=start)
    if trainer_config.resume is not None:
        check_resumable(trainer_config.resume, identity)
    data = TrainData(
        _source(tokens, settings, trainer_config), draw(val_arrays, settings.validation_samples, settings.seed)
    )
    network = first_network(settings, initial)
    steps = settings.epochs * len(data.train_batches)
    module = ForgeModule(network, settings, validation=data.validation, total_steps=steps)
    history, best, first = History(), KeepBest(), leader()
    with closing(data.train_batches), suppress_warnings("lightning.pytorch"):
        trainer = _trainer(
            settings, [history, best, *_callbacks(output, identity, trainer_config)], trainer_config, first
        )
        output.mkdir(parents=True, exist_ok=True)
        with workers(first, _worker_spec(tokens, output, settings, trainer_config, trainer.num_devices, initial)):
            trainer.fit(module, datamodule=data, ckpt_path=trainer_config.resume, weights_only=True)
            network.load_state_dict(best.weights)
            val = _look(trainer, network, settings, val_arrays)
    result = TrainResult(best.epoch, tuple(history.epochs), history.seconds, val)
    if trainer.is_global_zero:
        _write(output, network, identity, result, trained_on=processor_name(trainer.strategy.root_device))
    return result


def _look(trainer: pl.Trainer, network: Network, settings: TrainSettings, val_arrays: TokenArrays) -> Comparison:
    """The network on the whole val split: the first process asks it, where it has trained, and tells the others."""
    device = trainer.strategy.root_device
    found = compare(network, settings, val_arrays, device) if trainer.is_global_zero else None
    return cast(Comparison, trainer.strategy.broadcast(found))


def evaluate(model: Model, arrays: TokenArrays) -> Metrics:
    """The metrics of a model that plays its highest legal slot."""
    slots, value = answers(model, arrays)
    return measure_model(slots, value, arrays, predicts_q=model.kind == "qvalue")


def compare(network: Network, settings: TrainSettings, arrays: TokenArrays, device: torch.device) -> Comparison:
    """A trained network beside random play and the network that these settings start from; both are asked on `device`,
    where the trained one is left.
    """
    untrained = build_network(settings.architecture, settings.kind, settings.seed)
    return Comparison(
        model=evaluate(TorchModel(network.to(device).eval()), arrays),
        random_play=measure_random_play(arrays),
        untrained=evaluate(TorchModel(untrained.to(device).eval()), arrays),
    )


def _write(output: Path, network: Network, identity: RunIdentity, result: TrainResult, *, trained_on: str) -> None:
    config = config_of(
        network,
        identity.settings,
        best_epoch=result.best_epoch,
        dataset_digest=identity.dataset_digest,
        initial_digest=identity.initial_digest,
        trained_on=trained_on,
    )
    write_history(output / HISTORY, result.epochs)
    draw_curves(output / CURVES, result.epochs)
    write_text(output / METRICS, result.val.model_dump_json(indent=1))
    write_model(output, network, config)


def first_network(settings: TrainSettings, initial: Path | None) -> Network:
    """The network that a run begins with; a smaller MLP is grown to the shape that is asked for, and a policy
    may begin as a Q-value network's.
    """
    if initial is None:
        return build_network(settings.architecture, settings.kind, settings.seed)
    network, config = read_model(initial) if initial.is_dir() else read_checkpoint(initial)
    wanted = settings.architecture
    if (config.kind, settings.kind) == ("qvalue", "policy"):
        network = as_policy(network, config.architecture, settings.temperature, settings.seed)
        config = config.model_copy(update={"kind": "policy"})
    if (config.architecture, config.kind) == (wanted, settings.kind):
        return network.train()
    if config.kind != settings.kind or not can_grow(config.architecture, wanted):
        raise WrongModelType.of(
            got=f"{initial}, a {config.kind} model of the shape {config.architecture}",
            expected=f"a {settings.kind} model of the shape {settings.architecture} to start from, or an MLP that can "
            "be grown to it: half as wide, or with fewer blocks or inputs",
            remedy="train with that model's network, size and kind, or start from weights drawn by the seed",
        )
    return grown(network, config.architecture, wanted, settings.kind, settings.seed).train()


def can_grow(small: Architecture, large: Architecture) -> bool:
    """Whether an MLP of the one shape can become one of the other: as wide or twice as wide, and no fewer blocks."""
    widths = (small.width, small.feedforward), (large.width, large.feedforward)
    return (
        small.network == large.network == "mlp"
        and widths[1] in (widths[0], (2 * small.width, 2 * small.feedforward))
        and small.layers <= large.layers
        and small.features in ("ownership", large.features)
    )


def grown(network: Network, small: Architecture, large: Architecture, kind: ModelKind, seed: int) -> Network:
    """An MLP of the larger shape with the answers of the smaller one; the seed draws the noise and the new blocks."""
    result = build_network(large, kind, seed)
    weights, old = result.state_dict(), network.state_dict()
    generator = torch.Generator().manual_seed(seed)
    for name, weight in old.items():
        weights[name] = weight if large.width == small.width else _doubled(name, weight, generator)
    for block in range(small.layers, large.layers):
        for part in ("weight", "bias"):
            weights[f"blocks.{block}.body.3.{part}"].zero_()
    missing = input_width(large.features) - input_width(small.features)
    weights["embed.weight"] = pad(weights["embed.weight"], (0, missing))
    result.load_state_dict(weights)
    return result


def as_policy(network: Network, architecture: Architecture, temperature: float, seed: int) -> Network:
    """The policy that softens a Q-value network's answers: its logits are Q / temperature, its value the same."""
    weights, factor = dict(network.state_dict()), POINTS_SCALE / temperature
    for part in ("weight", "bias"):
        if architecture.network == "mlp":  # the value is the last output of the same layer
            weights[f"head.{part}"] = torch.cat((weights[f"head.{part}"][:-1] * factor, weights[f"head.{part}"][-1:]))
        else:
            weights[f"slot_head.{part}"] = weights[f"slot_head.{part}"] * factor
    result = build_network(architecture, "policy", seed)
    result.load_state_dict(weights)
    return result


def _doubled(name: str, weight: Tensor, generator: torch.Generator) -> Tensor:
    """A parameter of the network whose units are all there twice: not its inputs, and not its outputs."""

    def row() -> Tensor:
        return _from_doubled(weight, generator) if weight.ndim == 2 and not name.startswith("embed.") else weight

    return row() if name.startswith("head.") else torch.cat((row(), row()))


def _from_doubled(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A weight matrix whose inputs have become two equal halves."""
    noise = torch.randn(weight.shape, generator=generator) * weight.std() * _NOISE
    return torch.cat((weight / 2 + noise, weight / 2 - noise), 1)


def _source(tokens: Path, settings: TrainSettings, trainer_config: TrainerConfig) -> Source:
    if settings.source == "tokens":
        return TrainBatches(load_split(tokens, Split.TRAIN), settings)
    return StreamBatches(settings, threads=trainer_config.solver_threads, device=trainer_config.solver_device)


def _callbacks(output: Path, identity: RunIdentity, trainer_config: TrainerConfig) -> list[Callback]:
    return [
        StopEarly(identity.settings.patience),
        EpochBar(trainer_config.console or Console(stderr=True)),
        SaveLast(output / LAST, identity, every_seconds=trainer_config.checkpoint_seconds),
        *trainer_config.callbacks,
    ]


def _trainer(
    settings: TrainSettings, callbacks: list[Callback], trainer_config: TrainerConfig, first: Leader | None
) -> pl.Trainer:
    try:
        return pl.Trainer(
            accelerator=trainer_config.accelerator,
            devices=trainer_config.devices,
            strategy=trainer_config.strategy,
            plugins=first,
            precision=_resolve_precision(settings.precision, trainer_config.accelerator),
            max_epochs=settings.epochs,
            logger=list(trainer_config.loggers) or False,
            callbacks=callbacks,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except MisconfigurationException as problem:
        raise InputError.of(
            got=f"{trainer_config.devices} devices of the kind {trainer_config.accelerator}: {problem}",
            expected="devices that this machine has",
            remedy="ask for fewer, or for `auto`",
        ) from problem


def _worker_spec(
    tokens: Path,
    output: Path,
    settings: TrainSettings,
    trainer_config: TrainerConfig,
    devices: int,
    initial: Path | None,
) -> WorkerSpec:
    return WorkerSpec(
        tokens=tokens,
        output=output,
        settings=settings,
        initial=initial,
        resume=trainer_config.resume,
        accelerator=trainer_config.accelerator,
        devices=devices,
        strategy=trainer_config.strategy,
        solver_threads=trainer_config.solver_threads,
        solves_on_cuda=trainer_config.solver_device is not None,
    )


def _resolve_precision(precision: Precision, accelerator: str) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
    """What `auto` means here: bfloat16 mixed where the processor computes in it, float32 elsewhere."""
    if precision != "auto":
        return precision
    if accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available()):
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    abilities = torch.cpu.get_capabilities()
    return "bf16-mixed" if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else "32-true"
