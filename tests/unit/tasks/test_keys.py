"""Keys are neither too wide nor too narrow: an edit of what decides a result changes them, an edit of anything else
does not. The packages are copied, edited in the copy, and the keys compared."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forge_core.artifacts import fingerprint as subject
from tasks.registry import STAGES

ROOT = Path(__file__).parents[3]
PACKAGES = ("configs", "flows", "forge_core", "forge_view", "tasks")
WORDS = "\nSHOWN = 'another word'\n"

DECIDES = {
    "generate": ["forge_core/solver/value_table.py", "forge_core/shards/sampling.py", "forge_core/rules/deal.py"],
    "tokenize": ["forge_core/tokens/dataset.py", "forge_core/tokens/encode.py", "forge_core/shards/read.py"],
    "train": ["forge_core/learn/train.py", "forge_core/learn/batches.py", "forge_core/solver/value_table.py"],
    "evaluate": ["forge_core/learn/evaluation.py", "forge_core/learn/metrics.py", "forge_core/learn/model.py"],
    "export": ["forge_core/learn/export.py", "forge_core/tokens/arrays.py"],
    "publish": ["forge_core/learn/model.py"],
    "generate-eq": ["forge_core/expected_q/games.py", "tasks/oracles.py", "forge_core/learn/model.py"],
    "bids": ["forge_core/bids/matrix.py", "forge_core/players/pimc.py", "forge_core/solver/search_kernel.py"],
    "train-seat": ["forge_core/seat/games.py", "forge_core/seat/lit_module.py", "forge_core/learn/averages.py"],
    "arena": ["forge_core/players/pimc.py", "forge_core/arena/match.py", "forge_core/seat/rollouts.py"],
}
"""Files, some of many, without which the stage would make something else; its own module in tasks/ is another one."""

SHOWS = [
    "forge_core/errors.py",
    "forge_core/files.py",
    "forge_core/locks.py",
    "forge_core/learn/catalog.py",
    "forge_core/learn/plots.py",
    "forge_core/learn/report.py",
]
"""Files of forge_core and tasks that decide nothing, beside those below; all of the other packages decide nothing."""

ALONE = {
    "forge_core/learn/batches.py": {"train"},
    "forge_core/learn/lit_module.py": {"train"},
    "forge_core/learn/averages.py": {"train", "train-seat"},
    "forge_core/learn/evaluation.py": {"evaluate"},
    "forge_core/learn/export.py": {"export", "train-seat"},
}
"""Files that decide the results of some stages, and of no other."""

PLUMBING = [
    "tasks/stage.py",
    "tasks/run.py",
    "tasks/registry.py",
    "tasks/devices.py",
    "tasks/here.py",
    "tasks/steps.py",
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


class Readings:
    """What the fingerprint reads out of each file, kept until that file is edited: a file takes a moment, all of them a
    second, and the tests ask for hundreds of fingerprints."""

    def __init__(self) -> None:
        self.kept: dict[Path, dict[Any, Any]] = {}

    def keeping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of a file that runs once for each state of the file."""
        name, plain = function.__name__, function.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]

        def read(path: Path, **options: bool) -> Any:
            known, key = self.kept.setdefault(path, {}), (name, *options.items())
            if key not in known:
                known[key] = plain(path, **options)
            return known[key]

        return read

    def write(self, path: Path, text: str) -> None:
        """Change a file; what was read of it is forgotten, and so are all fingerprints."""
        path.write_text(text)
        self.kept.pop(path, None)
        subject.fingerprint.cache_clear()


@pytest.fixture(scope="module")
def readings() -> Readings:
    return Readings()


@pytest.fixture
def copied(copy: Path, readings: Readings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The copy, in place of the packages themselves."""
    monkeypatch.setattr(subject, "_root", lambda package: copy / package)
    for function in (subject._code_digest, subject._imports):
        monkeypatch.setattr(subject, function.__name__, readings.keeping(function))
    subject.fingerprint.cache_clear()
    yield copy
    subject.fingerprint.cache_clear()


@pytest.fixture
def edit(copied: Path, readings: Readings) -> Iterator[Callable[[str, str], None]]:
    """Adds a text to a file, in place of the one that was added before."""
    before: dict[str, str] = {}

    def write(file: str, text: str) -> None:
        path = copied / file
        before.setdefault(file, path.read_text())
        readings.write(path, before[file] + text)

    yield write
    for file, text in before.items():
        readings.write(copied / file, text)


def keys() -> dict[str, str]:
    """The fingerprints of all stages."""
    return {name: stage.code() for name, stage in STAGES.items()}


def test_every_stage_is_looked_at() -> None:
    assert DECIDES.keys() == STAGES.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_an_edit_of_what_decides_changes_the_key(stage: str, edit: Callable[[str, str], None]) -> None:
    own = STAGES[stage].run.__module__.replace(".", "/") + ".py"
    key = STAGES[stage].code
    before = key()
    for file in (own, *DECIDES[stage]):
        edit(file, WORDS)
        assert key() != before, file
        edit(file, "")
        assert key() == before
        edit(file, "\n# SHOWN = 1\n\n")
        assert key() == before, f"a comment in {file}"
        edit(file, "")


def test_an_edit_of_what_decides_some_stages_changes_no_other_key(edit: Callable[[str, str], None]) -> None:
    before = keys()
    for file, stages in ALONE.items():
        edit(file, WORDS)
        assert {name for name, key in keys().items() if key != before[name]} == stages, file
        edit(file, "")


def test_an_edit_of_what_only_shows_changes_no_key(copied: Path, edit: Callable[[str, str], None]) -> None:
    before = keys()
    shown = [
        path.relative_to(copied).as_posix()
        for room in ("forge_view", "flows")
        for path in (copied / room).rglob("*.py")
    ]
    for file in (*SHOWS, *PLUMBING, *shown):
        edit(file, WORDS)
    assert keys() == before


def test_what_a_stage_needs_on_modal_changes_no_key(copied: Path, readings: Readings) -> None:
    before = keys()
    path = copied / "tasks" / "generate.py"
    text = path.read_text()
    readings.write(path, text.replace("cores=4", "cores=64"))
    try:
        assert path.read_text() != text
        assert keys() == before
    finally:
        readings.write(path, text)


def test_the_network_decides_no_game_of_the_exact_solver(edit: Callable[[str, str], None]) -> None:
    stage = STAGES["generate-eq"]
    exact, network = stage.code(inputs=False), stage.code()
    edit("forge_core/learn/model.py", WORDS)
    assert (stage.code(inputs=False), stage.code() == network) == (exact, False)
    edit("forge_core/solver/search.py", WORDS)
    assert stage.code(inputs=False) != exact
