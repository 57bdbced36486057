from pathlib import Path

import pytest

from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four shards of 300 states each: two to train (one with an opponent seed), one to validate, one to test."""
    folder = tmp_path_factory.mktemp("shards")
    requests = [DealRequest(1, None, 1), DealRequest(4, 1, 4), DealRequest(900, None, 0), DealRequest(951, None, 1)]
    write_block(requests, ShardSettings(states_per_deal=300), folder)
    return folder
