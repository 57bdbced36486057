from pathlib import Path

import pytest
import torch

from forge_core.learn.settings import TrainSettings
from forge_core.learn.train import TrainResult, train
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split
from forge_core.tokens.dataset import TokenArrays, load_split, tokenize
from forge_core.tokens.settings import TokenSettings

torch.set_num_threads(1)  # tests run side by side


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty deals to train on, six to validate, 200 states each; cheap ones, and none to test."""
    folder = tmp_path_factory.mktemp("tokens")
    seeds = [*range(40), *range(900, 906)]
    requests = [DealRequest(seed, None, seed % 10) for seed in seeds]
    write_block(requests, ShardSettings(states_per_deal=200), folder / "shards")
    tokenize([folder / "shards"], folder / "tokens", TokenSettings())
    return folder / "tokens"


@pytest.fixture(scope="session")
def val_arrays(tokens: Path) -> TokenArrays:
    return load_split(tokens, Split.VAL)


@pytest.fixture(scope="session")
def settings() -> TrainSettings:
    return TrainSettings(epochs=4, batch_size=128, samples_per_epoch=2560, precision="32-true", ema_decay=0.5)


@pytest.fixture(scope="session")
def trained(
    tokens: Path, settings: TrainSettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainResult]:
    """A small run: its folder and its result."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(tokens, folder, settings)
