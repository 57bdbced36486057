from tests.browser import browser as browser
from tests.unit.expected_q.conftest import games, late_position
from tests.unit.shards.conftest import shard, shard_folder

__all__ = ["games", "late_position", "shard", "shard_folder"]
