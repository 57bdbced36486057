from pathlib import Path

import pytest

from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings

REQUESTS = [DealRequest(1, None, 1), DealRequest(900, None, 0)]


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of 400 states each, of small deals: train/seed_00000001_decl_1 and val/seed_00000900_decl_0."""
    folder = tmp_path_factory.mktemp("shards")
    write_block(REQUESTS, ShardSettings(states_per_deal=400), folder)
    return folder


@pytest.fixture
def shard(shard_folder: Path) -> Path:
    return shard_folder / REQUESTS[0].relative_path()
