"""Writing a shard."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from forge_core.shards.schema import METADATA_KEY, Q_COLUMNS, STATE, VALUE, ShardMetadata, columns_of

ROWS_PER_GROUP = 1 << 16
"""The rows of a row group: what a reader has to hold at a time."""


def write_shard(temporary: Path, path: Path, *, metadata: ShardMetadata, frames: Iterable[pl.DataFrame]) -> int:
    """Write the frames and the metadata to a claimed temporary file and rename it to `path`; the number of rows.

    The frames hold the columns that belong to `metadata.keep`; `metadata.rows` is filled in here.
    """
    columns = columns_of(metadata.keep)
    dictionary: Any = [name for name in columns.names if name in Q_COLUMNS]  # pyarrow's own annotation says bool
    split: Any = {STATE: "BYTE_STREAM_SPLIT", VALUE: "BYTE_STREAM_SPLIT"}
    level: Any = {STATE: 9, VALUE: 3, **dict.fromkeys(Q_COLUMNS, 5)}  # measured: see docs/formats.md
    rows = 0
    with pq.ParquetWriter(
        temporary,
        columns,
        compression="zstd",
        compression_level={name: level[name] for name in columns.names},
        use_dictionary=dictionary,
        column_encoding=split,
        write_page_checksum=True,
        write_statistics=False,
        store_schema=False,
    ) as writer:
        for frame in frames:
            writer.write_table(frame.to_arrow().cast(columns), row_group_size=ROWS_PER_GROUP)
            rows += frame.height
        writer.add_key_value_metadata({METADATA_KEY: metadata.model_copy(update={"rows": rows}).model_dump_json()})
    temporary.replace(path)
    return rows
