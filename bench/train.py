"""How fast the networks train on this machine: `python bench/train.py [--quick] [--json]`.

Samples per second of whole training steps (batches drawn from memory, forward, backward, optimiser, Lightning's loop),
after a warm-up. Rates are wall-clock, with whatever else the machine was doing. Set OMP_WAIT_POLICY=PASSIVE: threads
that wait by spinning take most of the speed as soon as anything else runs.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from report import options, publish

from forge_core.learn.build import build_network, count_parameters
from forge_core.learn.settings import SIZES, NetworkName, SizeName, TrainSettings
from forge_core.learn.train import Surroundings, train
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings

WARM = 3  # steps that are not counted


class Stopwatch(Callback):
    """Wall time from the end of the warm-up to the last step."""

    def __init__(self) -> None:
        self.started = self.ended = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step > WARM:
            self.ended = self._now()
        else:
            self.started = self._now()

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
    per_second = 0.0
    steps = WARM + 2
    for _ in range(2):  # once to find out how many steps fill the time
        watch = Stopwatch()
        run = settings.model_copy(update={"samples_per_epoch": batch * steps})
        with TemporaryDirectory() as output:
            train(tokens, Path(output), run, Surroundings(callbacks=[watch]))
        per_second = batch * (steps - WARM) / (watch.ended - watch.started)
        steps = WARM + max(2, round(seconds * per_second / batch))
    parameters = count_parameters(build_network(SIZES[network, size], "qvalue", 0))
    name = f"{network}_{size}"
    return {f"{name}_samples_per_second": round(per_second), f"{name}_parameters": parameters}


def measure(*, quick: bool) -> dict[str, object]:
    sizes: list[SizeName] = ["tiny"] if quick else ["tiny", "small", "large"]
    networks: list[NetworkName] = ["mlp", "transformer"]
    found: dict[str, object] = {"device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"}
    with TemporaryDirectory() as folder:
        tokens = samples(Path(folder))
        for network in networks:
            for size in sizes:
                found |= rate(tokens, network, size, 3 if quick else 15)
    return found


def main() -> None:
    asked = options(__doc__)
    publish("train", measure(quick=asked.quick), asked)


if __name__ == "__main__":
    main()
