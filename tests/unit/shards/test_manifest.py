import shutil
from pathlib import Path

from forge_core.shards.dataset import Shards
from forge_core.shards.request import DealRequest

DONE = [DealRequest(1, None, 1), DealRequest(900, None, 0)]


def test_only_what_is_not_there_is_missing(shard_folder: Path) -> None:
    absent = [DealRequest(1, None, 2), DealRequest(1, 0, 1), DealRequest(950, None, 0)]
    assert Shards().missing(shard_folder, [absent[0], *DONE, *absent[1:]]) == absent


def test_everything_is_missing_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert Shards().missing(tmp_path / "new", DONE) == DONE


def test_a_truncated_shard_is_missing(shard_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(shard_folder, tmp_path / "copy")
    path = tmp_path / "copy" / DONE[0].relative_path()
    raw = path.read_bytes()
    for kept in (0, 4, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:kept])
        assert not Shards().is_sound(path)
        assert Shards().missing(tmp_path / "copy", DONE) == DONE[:1]
    path.write_bytes(raw)
    assert Shards().is_sound(path)
    assert Shards().missing(tmp_path / "copy", DONE) == []


def test_what_a_killed_writer_leaves_does_not_count(shard_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / DONE[0].relative_path()
    path.parent.mkdir()
    shutil.copy(shard_folder / DONE[0].relative_path(), path.with_name(f".{path.name}.tmp"))
    assert Shards().missing(tmp_path, DONE[:1]) == DONE[:1]
