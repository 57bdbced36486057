"""One rule for every kind of data set: whole, unchanged, under its own name, once."""

import os
import random
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from forge_core.bids.dataset import collate_bids, read_matrix
from forge_core.datasets.base import claim
from forge_core.errors import DamagedFile, DataError, ForgeError, SchemaMismatch
from forge_core.expected_q.collate import collate
from forge_core.expected_q.files import read_game
from forge_core.expected_q.schema import COLUMNS
from forge_core.rules.deal import MAX_SEED
from forge_core.shards.read import read_shard
from forge_core.shards.split import Split
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings

KINDS = ["shards", "tables", "games", "bids"]


@pytest.fixture(params=KINDS)
def filled(request: pytest.FixtureRequest, originals: dict[str, Any], tmp_path: Path) -> Any:
    original = originals[request.param]
    shutil.copytree(original.folder, tmp_path / request.param)
    return replace(original, folder=tmp_path / request.param)


def test_names_and_items_stand_for_each_other(filled: Any) -> None:
    for item in filled.dataset.items([0, 7, 899, 900, 99_999_999, 100_000_000, MAX_SEED]):
        assert filled.dataset.parse(Path(filled.dataset.relative_path(item)).name) == item
    for number, item in enumerate(filled.items):
        assert filled.dataset.identify(filled.path(number)) == item
    assert list(filled.dataset.files(filled.folder)) == [filled.dataset.relative_path(item) for item in filled.items]
    for name in (
        f"seed_{MAX_SEED + 1}_decl_8.parquet",
        f"seed_{MAX_SEED + 1}.pt",
        "seed_1_decl_1.parquet",
        "seed_1.pt",
    ):
        assert filled.dataset.parse(name) is None


def test_a_copy_in_the_folder_is_refused_with_both_names(filled: Any) -> None:
    path = filled.path(0)
    copy = path.with_name(f"{path.stem} (1){path.suffix}")
    shutil.copy(path, copy)
    with pytest.raises(DataError, match="Remove it if it is a copy") as error:
        filled.dataset.missing(filled.folder, filled.items)
    assert str(copy) in str(error.value)
    assert filled.dataset.relative_path(filled.items[0]) in str(error.value)


def test_a_file_under_the_name_of_another_is_refused_with_both_names(filled: Any) -> None:
    filled.path(0).replace(filled.path(1))
    with pytest.raises(DataError) as error:
        filled.dataset.missing(filled.folder, filled.items)
    assert str(filled.path(1)) in str(error.value)
    assert filled.dataset.relative_path(filled.items[0]) in str(error.value)
    with pytest.raises(DataError), claim(filled.path(1), wait=True, is_sound=filled.dataset.is_sound):
        pass


def test_a_file_in_the_wrong_split_is_refused(filled: Any) -> None:
    path = filled.path(0)
    target = filled.folder / Split.TEST / path.name
    path.replace(target)
    with pytest.raises(DataError, match=r"which by its metadata is 'train/"):
        filled.dataset.missing(filled.folder, filled.items)


def test_hidden_and_foreign_files_do_not_matter(filled: Any) -> None:
    for name in (f".{filled.path(0).name}.tmp", "notes.txt", f"{filled.path(0).name}.bak"):
        (filled.folder / "train" / name).write_text("something else")
    assert filled.dataset.missing(filled.folder, filled.items) == []


def test_a_damaged_file_is_missing_and_the_others_are_not(filled: Any) -> None:
    for content in (b"", filled.path(1).read_bytes()[:-1], flipped(filled.path(1).read_bytes(), 0.1)):
        filled.path(1).write_bytes(content)
        assert filled.dataset.missing(filled.folder, filled.items) == [filled.items[1]]
        assert not filled.dataset.is_sound(filled.path(1))


def test_a_file_is_read_again_only_when_it_was_changed(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    usual = type(filled.dataset).read_whole
    monkeypatch.setattr(
        type(filled.dataset), "read_whole", lambda self, path: (read.append(path.name), usual(self, path))[1]
    )
    for _ in range(2):
        assert filled.dataset.missing(filled.folder, filled.items) == []
    assert sorted(read) == sorted(filled.path(number).name for number in range(3))
    read.clear()
    os.utime(filled.path(2), ns=(1, 1))
    with (filled.folder / ".checked").open("a") as file:
        file.write("train/half a li")
    assert filled.dataset.missing(filled.folder, filled.items) == []
    assert read == [filled.path(2).name]
    (filled.folder / ".checked").write_bytes(b"\xff\xfe")
    read.clear()
    assert filled.dataset.missing(filled.folder, filled.items) == []
    assert len(read) == 3


def test_a_folder_that_cannot_be_written_to_is_checked_all_the_same(filled: Any) -> None:
    (filled.folder / ".checked").mkdir()
    for _ in range(2):
        assert filled.dataset.missing(filled.folder, filled.items) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_byte_changes_what_is_read(kind: str, originals: dict[str, Any], tmp_path: Path) -> None:
    """Read as it was, or refused; of a shard's footer, which has no checksum, a few words alone may differ."""
    original = originals[kind]
    path, raw = tmp_path / "train" / original.path(0).name, original.path(0).read_bytes()
    path.parent.mkdir()
    random_places = random.Random(0)
    for _ in range(150):
        path.write_bytes(flipped(raw, random_places.random(), 1 << random_places.randrange(8)))
        try:
            original.dataset.verify(path)
        except (DamagedFile, DataError):
            continue
        if kind == "games":
            one, other = read_game(original.path(0)), read_game(path)
            assert all(np.array_equal(one.columns[name], other.columns[name], equal_nan=True) for name in COLUMNS)
            assert (one.plays, one.deal, one.settings, one.oracle) == (
                other.plays,
                other.deal,
                other.settings,
                other.oracle,
            )
        elif kind == "bids":
            assert original.dataset.identify(path) == original.items[0]
            assert read_matrix(path).equals(read_matrix(original.path(0)))
        else:
            one, other = read_shard(original.path(0)), read_shard(path)
            assert one.frame.equals(other.frame)
            assert one.metadata.dominoes == other.metadata.dominoes


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_at_the_end_is_told_in_words(kind: str, originals: dict[str, Any], tmp_path: Path) -> None:
    """There Parquet files and archives say what is in them: whatever a reader makes of it, it is an error of ours."""
    original = originals[kind]
    path, raw = tmp_path / "train" / original.path(0).name, original.path(0).read_bytes()
    path.parent.mkdir()
    for place in range(max(0, len(raw) - 4000), len(raw), 13):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 128]) + raw[place + 1 :])
        for look in (original.dataset.verify, original.dataset.check_settings):
            with suppress(ForgeError):
                look(path)


def test_every_byte_of_a_record_of_a_game_is_checked(originals: dict[str, Any], tmp_path: Path) -> None:
    original = originals["games"]
    raw, content = original.path(0).read_bytes(), torch.load(original.path(0), weights_only=True)
    for name in COLUMNS:
        values = content[name].numpy().tobytes()
        place = raw.index(values) + len(values) // 2
        path = tmp_path / "game.pt"
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        with pytest.raises(DamagedFile, match="checksum"):
            read_game(path)


def test_a_foreign_file_under_a_good_name_is_not_overwritten(originals: dict[str, Any], tmp_path: Path) -> None:
    original = originals["shards"]
    path = original.dataset.path(tmp_path, original.items[0])
    path.parent.mkdir()
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(SchemaMismatch, match="without the key"):
        original.dataset.missing(tmp_path, original.items)


def test_tokenize_and_collate_refuse_copies_and_wrong_names(originals: dict[str, Any], tmp_path: Path) -> None:
    def read(kind: str) -> None:
        if kind == "shards":
            tokenize([tmp_path / kind], tmp_path / "out", TokenSettings())
        elif kind == "bids":
            collate_bids(tmp_path / kind, tmp_path / "out.parquet")
        else:
            collate(tmp_path / kind, tmp_path / "out.parquet")

    for kind in ("shards", "games", "bids"):
        shutil.copytree(originals[kind].folder, tmp_path / kind)
        one, other = (originals[kind].dataset.path(tmp_path / kind, item) for item in originals[kind].items[:2])
        copy = one.with_name(f"{one.stem} (1){one.suffix}")
        shutil.copy(one, copy)
        with pytest.raises(DataError, match=r"\(1\)"):
            read(kind)
        copy.replace(other)
        with pytest.raises(DataError, match=f"val/{other.name}.*train/{one.name}"):
            read(kind)


def flipped(raw: bytes, place: float, bit: int = 4) -> bytes:
    changed = bytearray(raw)
    changed[int(place * len(raw))] ^= bit
    return bytes(changed)
