"""How fast the networks train on this machine: `python bench/train.py [--quick] [--json]`.

Samples per second of whole training steps (batches, forward, backward, optimiser, Lightning's loop), after a warm-up:
of samples in memory, and of a stream of fresh deals, with the share of the time in which the training waited for it.
Rates are wall-clock, with whatever else the machine was doing. Set OMP_WAIT_POLICY=PASSIVE: threads that wait by
spinning take most of the speed as soon as anything else runs.
"""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from report import benchmark

from forge_core.learn.network import build_network, count_parameters
from forge_core.learn.settings import SIZES, NetworkName, SizeName, TrainSettings
from forge_core.learn.train import TrainerConfig, train
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.solver.gpu import cuda_device, has_cuda
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings

WARM = 3  # steps that are not counted


class Stopwatch(Callback):
    """Wall time from the end of the warm-up to the last step, and what of it was waiting for a stream."""

    def __init__(self) -> None:
        self.started = self.ended = self.waited_before = self.waited = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any, **__: Any) -> None:
        loop: Any = trainer
        waited = getattr(loop.datamodule.train_batches, "waited", 0.0)
        if trainer.global_step > WARM:
            self.ended, self.waited = self._now(), waited
        else:
            self.started, self.waited_before = self._now(), waited

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    @property
    def waiting_share(self) -> float:
        return (self.waited - self.waited_before) / self.seconds

    @staticmethod
    def _now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def samples(folder: Path) -> Path:
    """Real ones: six deals of 5,000 states."""
    requests = [DealRequest(seed, None, seed % 10) for seed in (0, 1, 2, 3, 4, 900)]
    write_block(requests, ShardSettings(states_per_deal=5000), folder / "shards")
    tokenize([folder / "shards"], folder / "tokens", TokenSettings())
    return folder / "tokens"


def rate(tokens: Path, network: NetworkName, size: SizeName, seconds: float) -> dict[str, object]:
    """Training samples per second of a preset; the number of steps is chosen to take about so many seconds."""
    batch = 8192 if torch.cuda.is_available() else 1024 if network == "mlp" else 128
    settings = TrainSettings(network=network, size=size, batch_size=batch, epochs=1, validation_samples=1)
    per_second, _ = timed(tokens, settings, seconds)
    parameters = count_parameters(build_network(SIZES[network, size], "qvalue", 0))
    name = f"{network}_{size}"
    return {f"{name}_samples_per_second": round(per_second), f"{name}_parameters": parameters}


def streamed(tokens: Path, size: SizeName, seconds: float) -> dict[str, object]:
    """The same from a stream, and the share of the time in which the network waited for samples."""
    settings = TrainSettings(source="stream", size=size, batch_size=1024, epochs=1, validation_samples=1)
    per_second, share = timed(tokens, settings, seconds)
    name = f"stream_mlp_{size}"
    return {f"{name}_samples_per_second": round(per_second), f"{name}_waiting_share": share}


def timed(tokens: Path, settings: TrainSettings, seconds: float) -> tuple[float, float]:
    """Samples per second of a run of about so many seconds, and its share of waiting."""
    steps, per_second, share = WARM + 2, 0.0, 0.0
    device = cuda_device() if settings.source == "stream" and has_cuda() else None
    for _ in range(2):  # once to find out how many steps fill the time
        watch = Stopwatch()
        run = settings.model_copy(update={"samples_per_epoch": settings.batch_size * steps})
        around = TrainerConfig(callbacks=[watch], solver_threads=os.cpu_count() or 1, solver_device=device)
        with TemporaryDirectory() as output:
            train(tokens, Path(output), run, around)
        per_second, share = settings.batch_size * (steps - WARM) / watch.seconds, watch.waiting_share
        steps = WARM + max(2, round(seconds * per_second / settings.batch_size))
    return per_second, share


def measure(*, quick: bool) -> dict[str, object]:
    sizes: list[SizeName] = ["tiny"] if quick else ["tiny", "small", "medium", "large", "huge"]
    networks: list[NetworkName] = ["mlp", "transformer"]
    found: dict[str, object] = {"device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"}
    with TemporaryDirectory() as folder:
        tokens = samples(Path(folder))
        for network in networks:
            for size in sizes:
                found |= rate(tokens, network, size, 3 if quick else 15)
        found |= streamed(tokens, "tiny" if quick else "medium", 10 if quick else 60)
    return found


if __name__ == "__main__":
    benchmark("train", measure, __doc__)
