"""One training of a seat network, from settings to a folder with a model."""

import logging
import pickle
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar

from forge_core.errors import ModelError
from forge_core.files import check_records, sha256_of, write_text
from forge_core.learn.model import LAST
from forge_core.learn.report import suppress_warnings
from forge_core.seat.folder import SeatConfig, read_seat_network, write_seat_model
from forge_core.seat.games import Samples, validation_games
from forge_core.seat.history import HISTORY, SeatEpoch, history_text
from forge_core.seat.lit_module import SeatModule
from forge_core.seat.network import build_seat_network
from forge_core.seat.settings import SeatSettings
from forge_core.shards.split import Split, split_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeatTrainerConfig:
    """Where and under whose eyes a training takes place: nothing of it changes what is learned.

    on_epoch     told of every epoch, with all so far
    bar          whether a progress bar is shown
    threads      of games and search, at least 1
    accelerator  Lightning's name of the hardware
    """

    on_epoch: Callable[[Sequence[SeatEpoch]], None] = lambda epochs: None
    bar: bool = False
    threads: int = 1
    accelerator: str = "auto"


def train_seat(
    output: Path,
    settings: SeatSettings,
    trainer_config: SeatTrainerConfig = SeatTrainerConfig(),
    *,
    initial: Path | None = None,
) -> Sequence[SeatEpoch]:
    """Train a seat network, going on from the checkpoint in `output` where there is one that can be read.

    Writes into the folder `output`: model.safetensors and config.json (the averaged weights after the last epoch),
    history.json (every epoch) and last.ckpt (after each). On one CPU equal settings give equal weights, whether the
    training was stopped in between or not.

    Args:
        output: made if it is not there.
        settings: of the training.
        trainer_config: see there.
        initial: a model folder whose weights it starts from.

    Raises:
        ModelError: the checkpoint is of another training, or `initial` is no such model.
    """
    before = _read_checkpoint(output / LAST, settings)
    resume = output / LAST if before else None
    network = build_seat_network(settings.architecture, settings.seed)
    if initial is not None:
        start, config = read_seat_network(initial)
        if config.architecture != settings.architecture:
            raise ModelError.of(
                got=f"{initial}, a seat network of the shape {config.architecture}",
                expected=f"one of the shape {settings.architecture}",
                remedy="train with that model's network and size",
            )
        network.load_state_dict(start.state_dict())
    module = SeatModule(
        network, settings, _validation(settings, trainer_config.threads), threads=trainer_config.threads
    )
    output.mkdir(parents=True, exist_ok=True)
    with closing(module), suppress_warnings("lightning.pytorch"), warnings.catch_warnings():
        # a run goes on in the folder of its checkpoint; its batches are made before they are asked for
        warnings.filterwarnings("ignore", ".*exists and is not empty|.*does not have many workers")
        trainer = pl.Trainer(
            accelerator=trainer_config.accelerator,
            devices=1,
            max_epochs=settings.epochs,
            logger=False,
            callbacks=_callbacks(output, trainer_config),
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            enable_progress_bar=trainer_config.bar,
            enable_model_summary=False,
        )
        if len(before.get("history", ())) < settings.epochs:
            trainer.fit(module, ckpt_path=resume, weights_only=True)
        else:  # killed between the last epoch and the model
            module.on_load_checkpoint(before)
            module.load_state_dict(before["state_dict"])
    write_text(output / HISTORY, history_text(module.epochs))
    start_digest = None if initial is None else sha256_of(initial / "model.safetensors")
    write_seat_model(output, module.kept, SeatConfig(settings=settings, initial_digest=start_digest))
    return module.epochs


class _Told(Callback):
    """Tells of every epoch."""

    def __init__(self, on_epoch: Callable[[Sequence[SeatEpoch]], None]) -> None:
        self._on_epoch = on_epoch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tells of it."""
        assert isinstance(pl_module, SeatModule)
        self._on_epoch(pl_module.epochs)


def _callbacks(output: Path, trainer_config: SeatTrainerConfig) -> list[Callback]:
    keep = ModelCheckpoint(output, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)
    bar: list[Callback] = [RichProgressBar()] if trainer_config.bar else []
    return [_Told(trainer_config.on_epoch), keep, *bar]


def _validation(settings: SeatSettings, threads: int) -> Samples:
    seeds = [seed for seed in range((settings.validation_games // 50 + 1) * 1000) if split_of(seed) is Split.VAL]
    return validation_games(settings, seeds[: settings.validation_games], threads=threads)


def _read_checkpoint(path: Path, settings: SeatSettings) -> dict[str, Any]:
    """The checkpoint; nothing where there is none, or a damaged one, which is set aside with a warning."""
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            check_records(file)
            content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        found = SeatSettings.model_validate(content["settings"])
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, LookupError, TypeError, ValueError) as problem:
        aside = path.replace(path.with_name(f"{path.name}.damaged"))
        logger.warning(
            "%s is damaged (%s); it was set aside as %s, and the training starts anew.", path, problem, aside
        )
        return {}
    if found != settings:
        ours = settings.model_dump()
        differences = [f"{k} {v} instead of {ours[k]}" for k, v in found.model_dump().items() if v != ours[k]]
        raise ModelError.of(
            got=f"the checkpoint {path} of another training: {', '.join(differences)}",
            expected="one with the same settings",
            remedy="resume with the settings that it was started with, or start in an empty folder",
        )
    return content
