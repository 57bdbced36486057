"""Files from the Volume: only what is missing, every digest checked, whatever breaks off."""

import asyncio
from pathlib import Path

import pytest
from control_plane import ControlPlane

from forge_core.artifacts.collection import Block
from forge_core.artifacts.key import Key, make_key
from forge_core.artifacts.listing import list_folder
from forge_core.errors import DamagedFile, InputError, RemoteError
from tasks.remote.download import download

SPLITS = {"train": 20, "val": 4}


@pytest.fixture
def key(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    """Of a collection on the Volume: two blocks of small files."""
    control_plane.make_volume("crystal-forge")
    return fill(control_plane, tmp_path, make_key("generate", code="c" * 64, settings={"shards": "some"}))


def fill(plane: ControlPlane, tmp_path: Path, key: Key) -> Key:
    for split, count in SPLITS.items():
        made = tmp_path / "made" / split
        (made / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (made / split / f"seed_{number}.parquet").write_bytes(f"{split} {number} ".encode() * 1000)
        block(key, split).add(root(plane), made, {"items": count, "device": "cpu", "seconds": 1.0})
    return key


def root(plane: ControlPlane) -> Path:
    return plane.volume_root / "crystal-forge"


def block(key: Key, split: str) -> Block:
    return Block(key.model_copy(update={"settings": {**key.settings, "deals": split}}), "deals")


def fetch(folder: Path, *splits: str, collection: str = "") -> tuple[int, int]:
    done = asyncio.run(download(folder, splits=splits, collection=collection))
    return done.fetched, done.there


@pytest.mark.usefixtures("key")
def test_only_what_is_missing_is_fetched(tmp_path: Path) -> None:
    assert fetch(tmp_path / "here", "val") == (4, 0)
    assert {path.parent.name for path in (tmp_path / "here").rglob("*.parquet")} == {"val"}
    (tmp_path / "here" / "val" / "seed_1.parquet").write_bytes(b"cut")
    assert fetch(tmp_path / "here") == (21, 3)
    assert list_folder(tmp_path / "here" / "val").digest == list_folder(tmp_path / "made" / "val" / "val").digest
    assert fetch(tmp_path / "here") == (0, 24)


def test_a_download_that_breaks_off_goes_on(control_plane: ControlPlane, key: Key, tmp_path: Path) -> None:
    control_plane.faults.cut = 6
    assert fetch(tmp_path / "here", "val") == (4, 0)
    control_plane.faults.cut = 10_000
    with pytest.raises(RemoteError, match="broken off 4 times"):
        fetch(tmp_path / "here")
    control_plane.faults.cut = 0
    fetched, there = fetch(tmp_path / "here")
    assert (fetched + there, there >= 4) == (24, True)
    assert not [path for path in (tmp_path / "here").rglob("*") if path.is_file() and path.name.startswith(".")]


def test_a_file_that_is_not_what_its_receipt_says(control_plane: ControlPlane, key: Key, tmp_path: Path) -> None:
    path = root(control_plane) / block(key, "val").files / "val" / "seed_2.parquet"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(DamagedFile, match=r"seed_2.parquet with another digest"):
        fetch(tmp_path / "here", "val")
    assert not (tmp_path / "here" / "val" / "seed_2.parquet").exists()
    path.unlink()
    with pytest.raises(RemoteError, match="not on the Volume"):
        fetch(tmp_path / "here", "val")


def test_which_collection_is_meant(control_plane: ControlPlane, key: Key, tmp_path: Path) -> None:
    other = fill(control_plane, tmp_path, make_key("generate", code="c" * 64, settings={"shards": "others"}))
    with pytest.raises(InputError, match=rf"2 collections.*(?s:.*){block(key, 'val').collection}"):
        fetch(tmp_path / "here")
    assert fetch(tmp_path / "here", "val", collection=block(other, "val").collection) == (4, 0)
    with pytest.raises(InputError, match="the split 'dev'"):
        fetch(tmp_path / "here", "dev")


@pytest.mark.usefixtures("key")
def test_a_block_whose_file_is_gone_counts_as_not_made(control_plane: ControlPlane, key: Key) -> None:
    made = block(key, "val")
    assert made.read(root(control_plane)) is not None
    (root(control_plane) / made.files / "val" / "seed_0.parquet").unlink()
    assert made.read(root(control_plane)) is None
