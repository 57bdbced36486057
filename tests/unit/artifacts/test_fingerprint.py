"""Fingerprints follow the code that runs, listings and keys follow the content."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from forge_core.artifacts import fingerprint as subject
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.artifacts.listing import foreign_source, list_folder
from forge_core.errors import InputError

FILES = {
    "__init__.py": "",
    "room/__init__.py": '"""A room."""\n',
    "room/stage.py": "from typing import TYPE_CHECKING\n"
    "from forge_core.room import helper, plumbing\nfrom forge_core.other.depth import Depth\n"
    "if TYPE_CHECKING:\n    from forge_core.room import typed\n"
    "STAGE = Stage(\n    cores=4,\n)\n",
    "room/helper.py": "def help():\n    return 1\n",
    "room/bystander.py": "NOT_IMPORTED = 1\n",
    "room/typed.py": "TYPES = 1\n",
    "room/plumbing.py": "from forge_core.room import pipe\n",
    "room/pipe.py": "PIPE = 1\n",
    "room/kernel.cu": "__global__ void walk() {}\n",
    "other/__init__.py": "def lazy():\n    from forge_core.room import bystander\n",
    "other/depth.py": "import json\n\nclass Depth:\n    VALUE = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "forge_core"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    forget()
    monkeypatch.setattr(subject, "_root", lambda package: tmp_path / package)
    yield root
    forget()


def forget() -> None:
    for function in (subject.fingerprint, subject._code_digest, subject._imports):
        function.cache_clear()


def fingerprint_after(package: Path, name: str, text: str) -> bool:
    """Whether the fingerprint of the stage changes when a file gets another text."""
    before = fingerprint("forge_core.room.stage", without=("forge_core.room.plumbing",))
    (package / name).write_text(text)
    forget()
    return fingerprint("forge_core.room.stage", without=("forge_core.room.plumbing",)) != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("room/helper.py", "def help():\n    return 2\n"),
        ("other/depth.py", "class Depth:\n    VALUE = 2\n"),
        ("room/__init__.py", "import os\n"),
        ("room/kernel.cu", "__global__ void run() {}\n"),
    ],
)
def test_what_the_stage_reaches_changes_its_fingerprint(package: Path, name: str, text: str) -> None:
    assert fingerprint_after(package, name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("room/helper.py", '"""New words."""\n\n# a comment\ndef help():\n    """More."""\n    return 1\n'),
        ("room/helper.py", "def help():\n    return  1  # as it was\n\n"),
        ("room/bystander.py", "NOT_IMPORTED = 2\n"),
        ("room/typed.py", "TYPES = 2\n"),
        ("room/plumbing.py", "from forge_core.room import pipe, other\n"),
        ("room/pipe.py", "PIPE = 2\n"),
        ("room/stage.py", FILES["room/stage.py"].replace("cores=4", "cores=8")),
    ],
)
def test_words_and_bystanders_do_not_change_it(package: Path, name: str, text: str) -> None:
    assert not fingerprint_after(package, name, text)


def test_an_f_string_is_one_word_whatever_python_reads_it() -> None:
    text = "x = f'a{ b }c{d:>{w}}' f'' + f\"\"\"one\n{ two }\n\"\"\"\ny = 'plain'\n"
    words = list(subject._code(text))
    assert words == ['x = f\'a{ b }c{d:>{w}}\' f\'\' + f"""one\n{ two }\n"""', "y = 'plain'"]


def test_real_modules_have_their_own_fingerprints() -> None:
    names = ["forge_core.errors", "forge_core.rules.deal", "forge_core.artifacts.store"]
    assert len({fingerprint(name) for name in names}) == 3
    assert fingerprint(*names) == fingerprint(*reversed(names))
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        fingerprint("forge_core.rules.no_such")


def test_listing_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    for folder, order in (("one", "ab"), ("two", "ba")):
        (tmp_path / folder).mkdir()
        for name in order:
            (tmp_path / folder / name).write_text(name)
    (tmp_path / "two" / ".hidden").write_text("no content")
    one, two = list_folder(tmp_path / "one"), list_folder(tmp_path / "two")
    assert one == two
    assert one.size == 2
    (tmp_path / "two" / "b").rename(tmp_path / "two" / "c")
    assert list_folder(tmp_path / "two").digest != one.digest


def test_foreign_sources_are_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    assert foreign_source(tmp_path / "a").digest == foreign_source(tmp_path / "b").digest
    assert foreign_source(tmp_path).digest == list_folder(tmp_path).digest
    with pytest.raises(InputError, match="not a folder"):
        foreign_source(tmp_path / "missing")


class Settings(BaseModel):
    epochs: int = 3
    rate: float = 0.1


def test_keys_differ_by_everything_that_decides_the_result() -> None:
    base = make_key("train", code="c", settings={"train": Settings()}, inputs=["a", "b"])
    assert base == make_key("train", code="c", settings={"train": Settings(epochs=3)}, inputs=["a", "b"])
    others = [
        make_key("export", code="c", settings={"train": Settings()}, inputs=["a", "b"]),
        make_key("train", code="d", settings={"train": Settings()}, inputs=["a", "b"]),
        make_key("train", code="c", settings={"train": Settings(epochs=4)}, inputs=["a", "b"]),
        make_key("train", code="c", settings={"train": Settings()}, inputs=["b", "a"]),
    ]
    assert len({key.digest for key in [base, *others]}) == 5
