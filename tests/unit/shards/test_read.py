from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.shards.read import inspect, read_group, read_metadata, read_shard
from forge_core.shards.schema import METADATA_KEY, SCHEMA_VERSION
from forge_core.shards.write import write_shard


def rewrite(source: Path, target: Path, metadata: str) -> Path:
    table = pq.read_table(source)
    with pq.ParquetWriter(target, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({METADATA_KEY: metadata})
    return target


def test_a_shard_is_read_whole_or_by_row_groups(shard: Path, tmp_path: Path) -> None:
    whole = read_shard(shard)
    copy = tmp_path / "copy.parquet"
    write_shard(tmp_path / "temporary", copy, metadata=whole.metadata, frames=[whole.frame[:300], whole.frame[300:]])
    assert inspect(copy).group_rows == (300, 100)
    assert pl.concat([read_group(copy, 0), read_group(copy, 1)]).equals(whole.frame)
    assert read_metadata(copy) == whole.metadata


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_shard(tmp_path / "seed.parquet")


@pytest.mark.parametrize("kept", [0, 5, 0.5, -1])
def test_a_truncated_file_is_damaged(shard: Path, tmp_path: Path, kept: float) -> None:
    raw = shard.read_bytes()
    truncated = tmp_path / "truncated.parquet"
    truncated.write_bytes(raw[: int(kept * len(raw)) if isinstance(kept, float) else kept])
    with pytest.raises(DamagedFile, match=r"truncated\.parquet.*generate it again"):
        read_shard(truncated)


@pytest.mark.parametrize("place", [0.05, 0.5, 0.8])
def test_a_flipped_bit_is_damage(shard: Path, tmp_path: Path, place: float) -> None:
    raw = bytearray(shard.read_bytes())
    raw[int(place * len(raw))] ^= 4
    flipped = tmp_path / "flipped.parquet"
    flipped.write_bytes(raw)
    with pytest.raises(DamagedFile):
        read_shard(flipped)


def test_another_schema_version_is_named(shard: Path, tmp_path: Path) -> None:
    later = read_metadata(shard).model_dump_json().replace(f'_version":{SCHEMA_VERSION}', '_version":99')
    with pytest.raises(SchemaMismatch, match=f"version 99.*schema version {SCHEMA_VERSION}"):
        read_shard(rewrite(shard, tmp_path / "later.parquet", later))


def test_a_foreign_parquet_file_is_no_shard(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "foreign.parquet")
    with pytest.raises(SchemaMismatch, match="without the key"):
        read_shard(tmp_path / "foreign.parquet")


@pytest.mark.parametrize("metadata", ["{", "[]", f'{{"schema_version": {SCHEMA_VERSION}}}', '{"other": 1}'])
def test_unreadable_metadata_are_damage(shard: Path, tmp_path: Path, metadata: str) -> None:
    with pytest.raises(DamagedFile, match="metadata"):
        read_shard(rewrite(shard, tmp_path / "odd.parquet", metadata))


def test_other_columns_are_refused(shard: Path, tmp_path: Path) -> None:
    table = pq.read_table(shard).drop_columns(["q6"])
    path = tmp_path / "narrow.parquet"
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({METADATA_KEY: read_metadata(shard).model_dump_json()})
    with pytest.raises(SchemaMismatch, match="q5 in 400 rows"):
        read_shard(path)


def test_a_failed_write_leaves_no_shard(shard: Path, tmp_path: Path) -> None:
    whole = read_shard(shard)

    def frames():
        yield whole.frame
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        write_shard(tmp_path / "temporary", tmp_path / "shard.parquet", metadata=whole.metadata, frames=frames())
    assert not list(tmp_path.glob("*.parquet"))
