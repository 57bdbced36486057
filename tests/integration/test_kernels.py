"""The cache of compiled kernels, with the real command and a checkout and home folders that cannot be written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from forge_core.rules import deal_from_seed, domino_name
from forge_core.rules.position import opening

pytestmark = pytest.mark.slow  # the kernels are compiled anew

ROOT = Path(__file__).parents[2]
ROOMS = ("configs", "flows", "forge_core", "forge_view", "tasks")


class Answer(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code beside which nothing can be kept: a file is where every cache would be."""
    copy = tmp_path_factory.mktemp("checkout")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [path for path in copy.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").touch()
    return copy


@pytest.fixture(scope="module")
def forge(checkout: Path) -> Callable[..., Answer]:
    """A function that runs the command from that checkout, for a user who has no home folder."""

    def run(home: Path, **variables: str) -> Answer:
        dropped = ("FORGE", "NUMBA", "PREFECT", "XDG")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        environment = kept | {"PYTHONPATH": str(checkout), "HOME": "/dev/null", "FORGE_HOME": str(home), **variables}
        command = [sys.executable, "-c", "from flows.cli import main; main()", "advise", *_end_of_a_deal()]
        ended = subprocess.run(
            command, env=environment, cwd=checkout, capture_output=True, text=True, timeout=600, check=False
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    return run


def _end_of_a_deal() -> list[str]:
    """The options of `forge advise` for a decision with two dominoes in every hand."""
    position, plays = opening(deal_from_seed(0), 6), list[int]()
    while position.plays_left > 8:
        slot = position.legal_slots()[0]
        plays.append(position.domino(position.mover, slot))
        position = position.play(slot)
    seat = position.mover
    hand = [position.domino(seat, slot) for slot in position.legal_slots()]
    hand_text, plays_text = (",".join(map(domino_name, each)) for each in (hand, plays))
    return ["--declaration", "6", "--seat", str(seat), "--hand", hand_text, "--plays", plays_text, "--json"]


def test_what_is_damaged_is_made_again_and_what_cannot_be_kept_is_one_warning(
    forge: Callable[..., Answer], tmp_path: Path
) -> None:
    first = forge(tmp_path / "home")
    assert first.code == 0, first.err
    assert "cannot be kept" not in first.err
    files = [path for path in (tmp_path / "home" / "kernels").rglob("*.nb?") if path.is_file()]
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    sound = {path: path.read_bytes() for path in files}
    for number, path in enumerate(files):
        path.write_bytes(b"" if number % 2 else sound[path][: len(sound[path]) // 2])
    assert forge(tmp_path / "home") == first
    assert all(path.stat().st_size > 0 for path in files)

    nowhere = forge(Path("/proc/forge"))
    assert (nowhere.code, nowhere.out) == (0, first.out), nowhere.err
    assert nowhere.err.count("cannot be kept") == 1

    all_the_same = forge(tmp_path / "home", NUMBA_DISABLE_JIT="1")
    assert (all_the_same.code, all_the_same.out) == (0, first.out), all_the_same.err
    assert all_the_same.err.count("NUMBA_DISABLE_JIT does not count") == 1
