"""Writing a shard: streamed in row groups to a temporary name, renamed when it is whole."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from forge_core.shards.schema import COLUMNS, METADATA_KEY, Q_COLUMNS, STATE, VALUE, ShardMetadata

ROWS_PER_GROUP = 1 << 16
"""The rows of a row group: what a reader has to hold at a time."""


def write_shard(path: Path, metadata: ShardMetadata, frames: Iterable[pl.DataFrame]) -> int:
    """Write the frames (columns state, V, q0..q6; one row group or more each) and the metadata; the size in bytes.

    `metadata.rows` is filled in here. Whoever reads `path` sees all of the shard or none of it; a writer that is
    killed leaves `.<name>.tmp`, which the next writer of this shard overwrites.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    rows = 0
    few_values: Any = [VALUE, *Q_COLUMNS]  # pyarrow's own annotation says bool
    with pq.ParquetWriter(
        temporary,
        COLUMNS,
        compression="zstd",
        use_dictionary=few_values,
        column_encoding={STATE: "DELTA_BINARY_PACKED"},  # states come sorted: the differences are small
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        for frame in frames:
            writer.write_table(frame.to_arrow().cast(COLUMNS), row_group_size=ROWS_PER_GROUP)
            rows += frame.height
        writer.add_key_value_metadata({METADATA_KEY: metadata.model_copy(update={"rows": rows}).model_dump_json()})
    size = temporary.stat().st_size
    temporary.replace(path)
    return size
