"""Writing a shard, so that two writers never spoil each other's work and a killed one leaves no half shard."""

import fcntl
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from forge_core.shards.manifest import is_sound
from forge_core.shards.schema import METADATA_KEY, Q_COLUMNS, STATE, VALUE, ShardMetadata, columns_of

ROWS_PER_GROUP = 1 << 16
"""The rows of a row group: what a reader has to hold at a time."""


@contextmanager
def claim(path: Path, *, wait: bool) -> Generator[Path | None, None, None]:
    """The temporary file to write the shard `path` to, locked; None when there is nothing to do here.

    There is nothing to do when a sound shard is there, or when somebody else holds the claim and `wait` is false. With
    `wait`, the other one is waited for, and its work taken over should it have been killed. The lock belongs to the
    open temporary file: it ends with the process, however that ends, and the next writer starts the file anew.
    """
    if is_sound(path):
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    while True:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock(descriptor, wait=wait):
                yield None
                return
            if not _is_still_there(temporary, descriptor):
                continue  # its last owner renamed or removed it while this one waited
            try:
                yield None if is_sound(path) else temporary
            finally:
                if _is_still_there(temporary, descriptor):
                    temporary.unlink()
            return
        finally:
            os.close(descriptor)


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


def _lock(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
