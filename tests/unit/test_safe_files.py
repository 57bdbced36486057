import errno
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge_core import files
from forge_core.errors import InputError, StoreError


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_whole(tmp_path: Path, *, durable: bool) -> None:
    path = tmp_path / "new" / "file.txt"
    files.write_text(path, "ä\n", durable=durable)
    files.write_bytes(path, b"second", durable=durable)
    assert path.read_bytes() == b"second"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    files.write_text(path, "old")

    def fail() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("half of the ne")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_can_be_published_at_once_too(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "data") as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("x")
    assert (tmp_path / "data" / "part").read_text() == "x"


@given(st.binary(max_size=200))
def test_digests_of_bytes_and_of_files_agree(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(content)
    assert files.sha256_of(path) == files.sha256_of(content) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("number", files.UNWRITABLE)
def test_a_full_or_closed_disk_is_a_store_error(tmp_path: Path, number: int) -> None:
    with pytest.raises(StoreError, match="Free some space"), files.writing(tmp_path):
        raise OSError(number, "No space left on device", str(tmp_path / "file"))


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broken"), files.writing(tmp_path):
        raise OSError(errno.EIO, "broken")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "C:/x",
        "c:x",
        "a\nb",
        "a\x00",
        "\x1b[2J",
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        files.safe_relative(name)
    with pytest.raises(InputError):
        files.inside(tmp_path, name)


@given(st.lists(st.from_regex(r"[a-z0-9_.-]*[a-z0-9]", fullmatch=True), min_size=1, max_size=4))
def test_other_names_stay_in_their_folder(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert files.inside(folder, "/".join(parts)) == folder.joinpath(*parts)


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "away").symlink_to(tmp_path)
    (root / "here").symlink_to(root / "real")
    assert files.inside(root, "here/file") == root / "here" / "file"
    with pytest.raises(InputError, match="symbolic link"):
        files.inside(root, "away/file")
