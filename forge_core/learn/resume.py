"""A checkpoint to go on from: what it says of its run, whether this run may go on from it, its best weights."""

import logging
import pickle
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict

from forge_core.errors import ModelError
from forge_core.files import check_records
from forge_core.learn.model import config_of
from forge_core.learn.model_config import ModelConfig
from forge_core.learn.network import Network, build_network
from forge_core.learn.settings import TrainSettings

logger = logging.getLogger(__name__)

LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"
"""The checkpoint before the last one."""

KEY = "crystal_forge"
"""Under this key a checkpoint says of which run it is."""

BEST = "KeepBest"
"""Under this name Lightning stores the state of the callback that keeps the best weights."""


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
