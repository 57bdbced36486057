"""Shards: one Parquet file a solved deal, whole by itself, named by its seeds."""

from forge_core.shards.read import Shard, read_metadata, read_shard
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split, split_of

__all__ = ["DealRequest", "Shard", "ShardSettings", "Split", "read_metadata", "read_shard", "split_of"]
