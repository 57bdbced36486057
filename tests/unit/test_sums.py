"""The SHA256SUMS of a folder: written with it, compared when it is read."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forge_core import files
from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import foreign_source
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Store
from forge_core.errors import DamagedFile, ForgeError

CONTENT = {"train/seed.npy": bytes(range(256)), "manifest.json": b"{}"}


def make(folder: Path) -> dict[str, int]:
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return {}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # a link to the store's own file
    path.write_bytes(content)


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])


HARM = {"flipped": flip, "cut": cut, "deleted": Path.unlink}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def made(store: Store) -> Reference:
    return store.build(Key(stage="tokenize", code="0" * 64, settings={}, inputs=()), make, kind="tokens").reference


@pytest.fixture
def folder(store: Store, made: Reference, tmp_path: Path) -> Path:
    store.checkout(made, tmp_path / "output")
    return tmp_path / "output"


def test_a_folder_from_the_store_has_sums_that_everybody_can_check_and_the_digest_of_its_object(
    folder: Path, made: Reference
) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", files.SUMS], cwd=folder, check=True)
    assert files.read_sums(folder).keys() == CONTENT.keys()
    assert foreign_source(folder).digest == made.digest
    files.check_sums(folder, CONTENT)


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
@pytest.mark.parametrize("name", CONTENT)
def test_what_is_not_as_it_was_written_is_refused_by_name(
    folder: Path, harm: Callable[[Path], None], name: str
) -> None:
    harm(folder / name)
    for look in (lambda: foreign_source(folder), lambda: files.check_sums(folder, CONTENT)):
        with pytest.raises(DamagedFile) as refused:
            look()
        (words,) = str(refused.value).splitlines()
        assert str(folder / name) in words
        assert files.SUMS in words
    if (folder / name).exists() and "/" not in name:
        with pytest.raises(DamagedFile, match=name):
            foreign_source(folder / name)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"0123  manifest.json\n", b"%b  manifest.json" % (b"0" * 64)])
def test_sums_that_are_damaged_themselves(folder: Path, content: bytes) -> None:
    (folder / files.SUMS).write_bytes(content)
    with pytest.raises(DamagedFile, match=files.SUMS):
        foreign_source(folder)


def test_a_folder_without_sums_is_read_as_before(folder: Path, made: Reference) -> None:
    (folder / files.SUMS).unlink()
    assert foreign_source(folder).digest == made.digest
    flip(folder / "manifest.json")
    assert foreign_source(folder).digest != made.digest
    files.check_sums(folder, CONTENT)


def test_a_folder_that_is_filled_again_is_whole_again_and_keeps_the_sums_of_other_files(
    store: Store, made: Reference, folder: Path
) -> None:
    (folder / "mine.txt").write_text("mine")
    files.write_sums(folder, files.read_sums(folder) | {"mine.txt": files.sha256_of("mine"), "gone.txt": "0" * 64})
    flip(folder / "train" / "seed.npy")
    store.checkout(made, folder)
    assert files.read_sums(folder).keys() == {*CONTENT, "mine.txt"}
    foreign_source(folder)
    (folder / files.SUMS).write_text("cut")
    store.checkout(made, folder)
    assert files.read_sums(folder).keys() == CONTENT.keys()


def test_a_folder_that_was_half_filled_is_not_compared(store: Store, made: Reference, folder: Path) -> None:
    shutil.rmtree(folder / "train")
    (folder / "train").write_text("in the way")
    with pytest.raises((ForgeError, OSError)):
        store.checkout(made, folder)
    assert not (folder / files.SUMS).exists()
