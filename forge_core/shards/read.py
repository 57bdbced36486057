"""Reading shards, with every way in which a file can be wrong told apart."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.shards.request import DealRequest
from forge_core.shards.schema import METADATA_KEY, SCHEMA_VERSION, ShardMetadata, columns_of


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard in memory.

    metadata  what it says of itself
    frame     state int64, V int8, q0..q6 int8 (-128 = illegal slot); points to go, team 0's view
    """

    metadata: ShardMetadata
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """What a shard's footer tells: the metadata, and how many rows each of its row groups has."""

    metadata: ShardMetadata
    group_rows: tuple[int, ...]


def inspect(path: Path) -> ShardInfo:
    """What the footer of a shard tells. Raises as `read_shard` does."""
    with _open(path) as file:
        metadata = _metadata(path, file)
        groups = range(file.num_row_groups)
        return ShardInfo(metadata, tuple(file.metadata.row_group(group).num_rows for group in groups))


def read_metadata(path: Path) -> ShardMetadata:
    """The metadata of a shard, from its footer alone. Raises as `read_shard` does."""
    return inspect(path).metadata


def read_shard(path: Path) -> Shard:
    """The whole shard.

    Raises InputError when there is no such file, DamagedFile when it is truncated or altered, SchemaMismatch when it
    is no shard or one of another schema version.
    """
    with _open(path) as file:
        return Shard(_metadata(path, file), _polars(file.read()))


def read_group(path: Path, group: int) -> pl.DataFrame:
    """The rows of one row group, so that large shards can be read in pieces. Raises as `read_shard` does."""
    with _open(path) as file:
        _metadata(path, file)
        return _polars(file.read_row_group(group))


def check_pages(path: Path) -> None:
    """Read every page of a shard, a batch in memory at a time, and verify its checksum. Raises as `read_shard` does.

    The footer has no checksum in Parquet. Of what it says, the deal, the columns and the rows are compared with what
    they have to be; a footer that points elsewhere leads to pages that fail theirs.
    """
    with _open(path) as file:
        _metadata(path, file)
        for _ in file.iter_batches():
            pass


def _polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"polars made a {type(frame).__name__} of an Arrow table")
    return frame


@contextmanager
def _open(path: Path) -> Generator[pq.ParquetFile, None, None]:
    """The Parquet file, by pyarrow: polars' own reader does not verify page checksums, so would pass flipped bits."""
    if not path.is_file():
        raise InputError.of(
            got=f"{path}, which is no file", expected="the path of a shard", remedy="check the path, or generate it"
        )
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, memory_map=False) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
        raise DamagedFile.of(
            got=f"{path}, which cannot be read ({problem})",
            expected="a whole Parquet file as it was written",
            remedy="delete it and generate it again; gap filling makes only what is missing or damaged",
        ) from problem


def _metadata(path: Path, file: pq.ParquetFile) -> ShardMetadata:
    raw = (file.metadata.metadata or {}).get(METADATA_KEY.encode())
    if raw is None:
        raise SchemaMismatch.of(
            got=f"{path}, a Parquet file without the key {METADATA_KEY!r}",
            expected=f"a shard of schema version {SCHEMA_VERSION}",
            remedy="point to shards that `forge generate` wrote",
        )
    try:
        fields = json.loads(raw)
        version = fields["schema_version"]
        if version == SCHEMA_VERSION:
            metadata = ShardMetadata.model_validate(fields)
            _check_deal(metadata)
            _check_columns(path, file, metadata)
            return metadata
    except (ValueError, TypeError, KeyError, ValidationError) as problem:
        raise DamagedFile.of(
            got=f"{path} with unreadable metadata ({problem})",
            expected=f"the metadata of schema version {SCHEMA_VERSION}",
            remedy="delete the shard and generate it again",
        ) from problem
    raise SchemaMismatch.of(
        got=f"{path} of schema version {version}",
        expected=f"schema version {SCHEMA_VERSION}",
        remedy="generate the shard again, or read it with the program that wrote it",
    )


def _check_deal(metadata: ShardMetadata) -> None:
    dealt = DealRequest(metadata.seed, metadata.opponent_seed, metadata.declaration).deal().dominoes
    if metadata.dominoes != dealt:
        raise ValueError(f"its seeds deal {dealt}, not {metadata.dominoes}")


def _check_columns(path: Path, file: pq.ParquetFile, metadata: ShardMetadata) -> None:
    found = file.schema_arrow
    if not found.equals(columns_of(metadata.keep)) or file.metadata.num_rows != metadata.rows:
        raise SchemaMismatch.of(
            got=f"{path} with the columns {', '.join(found.names)} in {file.metadata.num_rows} rows",
            expected=f"{', '.join(columns_of(metadata.keep).names)} in {metadata.rows} rows",
            remedy="generate the shard again",
        )
