"""Files from the Volume: only what is missing, every digest checked, whatever breaks off."""

import asyncio
from pathlib import Path

import pytest
from control_plane import ControlPlane

from deployments.modal_app import app
from forge_core.artifacts.collection import FILES, Collection, Receipt, place_of
from forge_core.artifacts.key import Key, make_key
from forge_core.artifacts.listing import list_folder
from forge_core.errors import DamagedFile, InputError, RemoteError
from tasks.remote.download import download

SPLITS = {"train": 20, "val": 4}


@pytest.fixture
def key(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    """Of a collection on the Volume: two blocks of small files."""
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    app.deploy()
    return fill(control_plane, tmp_path, make_key("generate", code="c" * 64, settings={"shards": "some"}))


def fill(plane: ControlPlane, tmp_path: Path, key: Key) -> Key:
    collection = Collection(plane.volume_root / "crystal-forge", key)
    for split, count in SPLITS.items():
        made = tmp_path / "made" / split
        (made / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (made / split / f"seed_{number}.parquet").write_bytes(f"{split} {number} ".encode() * 1000)
        collection.add(made, Receipt(block=split, files=(), items=count, device="cpu", seconds=1.0))
    return key


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
    path = control_plane.volume_root / "crystal-forge" / place_of(key) / FILES / "val" / "seed_2.parquet"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(DamagedFile, match=r"seed_2.parquet with another digest"):
        fetch(tmp_path / "here", "val")
    assert not (tmp_path / "here" / "val" / "seed_2.parquet").exists()
    path.unlink()
    with pytest.raises(RemoteError, match="not on the Volume"):
        fetch(tmp_path / "here", "val")


def test_which_collection_is_meant(control_plane: ControlPlane, key: Key, tmp_path: Path) -> None:
    other = fill(control_plane, tmp_path, make_key("generate", code="c" * 64, settings={"shards": "others"}))
    with pytest.raises(InputError, match=rf"2 collections.*(?s:.*){place_of(key)}"):
        fetch(tmp_path / "here")
    assert fetch(tmp_path / "here", "val", collection=place_of(other)) == (4, 0)
    with pytest.raises(InputError, match="the split 'dev'"):
        fetch(tmp_path / "here", "dev")


@pytest.mark.usefixtures("key")
def test_a_block_whose_file_is_gone_counts_as_not_made(control_plane: ControlPlane, key: Key) -> None:
    collection = Collection(control_plane.volume_root / "crystal-forge", key)
    assert collection.receipt("val") is not None
    (collection.folder / FILES / "val" / "seed_0.parquet").unlink()
    assert collection.receipt("val") is None
