"""What a Function does in its container: make a block of a collection on the Volume. Knows nothing of Modal."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.installation import Installation
from configs.modal import Job
from forge_core.artifacts.collection import Collection, Receipt, input_path
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.errors import RemoteError
from forge_core.solver.gpu import Device

UNDER_WAY = "training"
"""The folder of the Volume with the checkpoints of training runs that have not ended."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage says of the block it made: how many items it was, and JSON values for the receipt."""

    items: int = 1
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Volume:
    """The Volume as a container sees it.

    path  its folder
    keep  makes what was written survive the container
    """

    path: Path
    keep: Callable[[], None]


Stage = Callable[[Path, Job, Volume], Made]
"""Makes a job's files in the (empty) folder."""

_LOOK = 20.0  # seconds between two looks for a new checkpoint


def run(job: Job, volume: Volume) -> Receipt:
    """Make the block, or find that it was made: an input that was preempted comes a second time.

    Raises RemoteError when the code here is not the caller's, InputError when a GPU was asked for and there is none.
    """
    check_code(job)
    collection = Collection(volume.path, job.key)
    if (there := collection.receipt(job.block)) is not None:
        _clear(job, volume)
        return there
    start = time.monotonic()
    name = device_name(gpu=job.gpu)
    with tempfile.TemporaryDirectory() as folder:
        made = STAGES[job.key.stage](Path(folder), job, volume)
        seconds = time.monotonic() - start
        receipt = Receipt(
            block=job.block, files=(), items=made.items, device=name, seconds=seconds, details=made.details
        )
        added = collection.add(Path(folder), receipt)
    volume.keep()
    _clear(job, volume)
    return added


def _under_way(job: Job, volume: Volume) -> Path:
    return volume.path / UNDER_WAY / job.key.digest


def _clear(job: Job, volume: Volume) -> None:
    """Remove the checkpoints of a block, which is kept by now: before that, they are all that there is of it."""
    if (left := _under_way(job, volume)).exists():
        shutil.rmtree(left)
        volume.keep()


def check_code(job: Job) -> None:
    """RemoteError when what was deployed would compute the block with other code than the caller has."""
    if (here := fingerprint(*job.code)) != job.key.code:
        raise RemoteError.of(
            got=f"code {here[:12]} on Modal",
            expected=f"this checkout's code for {job.key.stage}, {job.key.code[:12]}",
            remedy="deploy it with `forge modal deploy`",
        )


def device_name(*, gpu: bool) -> str:
    """The GPU's name, or cpu; InputError when a GPU was asked for and there is none."""
    return _cuda().name if gpu else "cpu"


def _cuda() -> Device:
    from forge_core.solver.gpu import cuda_device

    return cuda_device()


def _solve(folder: Path, job: Job, _volume: Volume) -> Made:
    from forge_core.shards.generate import write_block
    from forge_core.shards.request import DealRequest
    from forge_core.shards.settings import ShardSettings

    requests = [DealRequest(*deal) for deal in job.work["deals"]]
    settings = ShardSettings.model_validate(job.key.settings["shards"])
    threads = Installation().thread_count()
    receipts = write_block(requests, settings, folder, threads=threads, device=_cuda() if job.gpu else None)
    deals = [[r.rows, r.reachable_states, r.opening_value, r.outcome.value] for r in receipts]
    return Made(len(requests), {"requests": job.work["deals"], "deals": deals})


def _play(folder: Path, job: Job, volume: Volume) -> Made:
    from forge_core.expected_q.generate import generate_games
    from forge_core.expected_q.settings import EqSettings
    from tasks.oracles import exact_oracle, model_oracle

    oracle = model_oracle(input_path(volume.path, job.key.inputs[0])) if job.key.inputs else exact_oracle()
    settings = EqSettings.model_validate(job.key.settings["expected_q"])
    receipt = generate_games(folder, job.work["seeds"], oracle, settings)
    return Made(len(receipt.made), {"seeds": job.work["seeds"]})


def _train(folder: Path, job: Job, volume: Volume) -> Made:
    from forge_core.learn.settings import TrainSettings
    from forge_core.learn.train import LAST, Surroundings, train

    work = _under_way(job, volume)
    settings = TrainSettings.model_validate(job.key.settings["train"])
    surroundings = Surroundings(
        resume=work / LAST if (work / LAST).exists() else None,
        accelerator="gpu" if job.gpu else "cpu",
        solver_threads=Installation().thread_count(),
        solver_device=_cuda() if job.gpu and settings.source == "stream" else None,
    )
    with _inputs(job, volume) as (tokens, *initial), _kept(work / LAST, volume):
        try:
            train(tokens, work, settings, surroundings, initial=initial[0] if initial else None)
        except SystemExit as stop:  # what Lightning makes of SIGINT: sent back as a result, it would end the caller
            raise KeyboardInterrupt from stop
    shutil.copytree(work, folder, ignore=shutil.ignore_patterns(LAST, ".*"), dirs_exist_ok=True)
    return Made()


def _evaluate(folder: Path, job: Job, volume: Volume) -> Made:
    from forge_core.shards.split import Split
    from tasks.evaluate import measure

    with _inputs(job, volume) as (network, tokens):
        measure(folder, network, tokens, Split(job.key.settings["split"]), name=job.key.settings["name"])
    return Made()


def _export(folder: Path, job: Job, volume: Volume) -> Made:
    from forge_core.learn.export import export_onnx
    from forge_core.learn.export_report import ExportSettings
    from forge_core.shards.split import Split
    from forge_core.tokens.arrays import load_split

    settings = ExportSettings.model_validate(job.key.settings["export"])
    with _inputs(job, volume) as (network, tokens):
        export_onnx(network, folder, load_split(tokens, Split.VAL), settings)
    return Made()


@contextmanager
def _inputs(job: Job, volume: Volume) -> Generator[list[Path]]:
    """The job's inputs on the container's own disk: quicker, and no open file on the Volume is in a commit's way."""
    with tempfile.TemporaryDirectory() as folder:
        places: list[Path] = []
        for digest in job.key.inputs:
            there = input_path(volume.path, digest)
            places.append(Path(folder, there.name))
            (shutil.copytree if there.is_dir() else shutil.copyfile)(there, places[-1])
        yield places


@contextmanager
def _kept(checkpoint: Path, volume: Volume) -> Generator[None]:
    """Every new checkpoint survives the container, while the block lasts."""
    ended = threading.Event()

    def watch() -> None:
        kept = 0.0
        while not ended.wait(_LOOK):
            if checkpoint.exists() and checkpoint.stat().st_mtime > kept:
                kept = checkpoint.stat().st_mtime
                volume.keep()

    watcher = threading.Thread(target=watch, name="checkpoints", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


STAGES: dict[str, Stage] = {
    "generate": _solve,
    "generate-eq": _play,
    "train": _train,
    "evaluate": _evaluate,
    "export": _export,
}
"""By the name of the stage, which is the first word of a key."""
