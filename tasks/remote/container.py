"""What happens in a container on Modal: one call of a stage, its files put on the Volume, a receipt as the answer."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modal

from configs.modal import VOLUME
from forge_core.artifacts.collection import Block, Receipt, input_path
from forge_core.artifacts.key import Key
from forge_core.errors import ForgeError
from tasks.registry import STAGES
from tasks.stage import Context, Stage

logger = logging.getLogger(__name__)

UNDER_WAY = "training"
"""The folder of the Volume with what calls that have not ended keep: checkpoints."""

_COMMITS = 6  # attempts
_EVERY = 20.0  # seconds between two commits of a checkpoint


def run_stage(key: dict[str, Any], gpu: bool) -> dict[str, Any]:
    """Make a block, or find that it was made: an input that was preempted comes a second time.

    Args:
        key: of the call, as JSON.
        gpu: whether a GPU was asked for; without one it then fails instead of falling back.

    Returns:
        The receipt as JSON, or the kind and message of a ForgeError, which would fail in every other attempt as well.
    """
    volume = modal.Volume.from_name(VOLUME, version=2)
    volume.hydrate()
    volume.reload()
    try:
        return _made(Key.model_validate(key), volume, gpu=gpu).model_dump(mode="json")
    except ForgeError as error:
        return {"error": type(error).__name__, "message": str(error)}


def _made(key: Key, volume: modal.Volume, *, gpu: bool) -> Receipt:
    root, stage = Path(os.environ["FORGE_VOLUME"]), STAGES[key.stage]
    block, work = Block(key, stage.items), root / UNDER_WAY / key.digest
    if (there := block.read(root)) is None:
        start = time.monotonic()
        device = _device(gpu=gpu)
        with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as copies:
            inputs = _copied(root, key.inputs, Path(copies))
            context = _context(stage, work, volume, gpu=gpu)
            details = stage.run(context, Path(made), stage.settings.model_validate(key.settings), inputs)
            items = len(key.settings[stage.items]) if stage.items else 1
            facts = {"items": items, "device": device, "seconds": time.monotonic() - start, "details": details}
            there = block.add(root, Path(made), facts)
        commit(volume)
    if work.exists():  # not before the block is kept: until then its checkpoints are all that there is of it
        shutil.rmtree(work)
        commit(volume)
    return there


def _context(stage: Stage[Any], work: Path, volume: modal.Volume, *, gpu: bool) -> Context:
    committed = time.monotonic()

    def on_epoch(_epochs: Sequence[Any]) -> None:
        nonlocal committed
        if time.monotonic() - committed < _EVERY:
            return
        committed = time.monotonic()
        try:
            commit(volume)
        except Exception as error:  # whatever Modal's client raises: the next one may succeed; the training goes on
            logger.warning("a checkpoint could not be kept: %s", error)

    threads = stage.machine.threads if stage.machine else 1
    return Context(threads=threads, device="cuda" if gpu else "cpu", work=work, on_epoch=on_epoch)


def _device(*, gpu: bool) -> str:
    """The GPU's name, or cpu; InputError when a GPU was asked for and there is none."""
    if not gpu:
        return "cpu"
    from forge_core.solver.gpu import cuda_device

    return cuda_device().name


def _copied(root: Path, digests: Sequence[str], folder: Path) -> list[Path]:
    """The inputs on the container's own disk: quicker, and no open file on the Volume is in a commit's way."""
    places: list[Path] = []
    for digest in digests:
        there = input_path(root, digest)
        places.append(folder / there.name)
        (shutil.copytree if there.is_dir() else shutil.copyfile)(there, places[-1])
    return places


def commit(volume: modal.Volume) -> None:
    """Let everyone see what was written; commits of many containers at once may have to wait for each other."""
    for attempt in range(_COMMITS):
        try:
            volume.commit()
            return
        except (RuntimeError, modal.exception.InternalError, modal.exception.ServiceError):  # the first: a conflict
            if attempt + 1 == _COMMITS:
                raise
            time.sleep(0.2 * 2**attempt)
