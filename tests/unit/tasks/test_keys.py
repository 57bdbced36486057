"""Keys are neither too wide nor too narrow: an edit of what decides a result changes them, an edit of anything else
does not. The packages are copied, edited in the copy, and the keys compared."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forge_core.artifacts import fingerprint as subject
from tasks.registry import STAGES

ROOT = Path(__file__).parents[3]
PACKAGES = ("configs", "flows", "forge_core", "forge_view", "tasks")
WORDS = "\nSHOWN = 'another word'\n"

DECIDES = {
    "generate": ["forge_core/solver/value_table.py", "forge_core/shards/sampling.py", "forge_core/rules/deal.py"],
    "tokenize": ["forge_core/tokens/dataset.py", "forge_core/tokens/encode.py", "forge_core/shards/read.py"],
    "train": ["forge_core/learn/train.py", "forge_core/learn/stream.py", "forge_core/solver/value_table.py"],
    "evaluate": ["forge_core/learn/evaluation.py", "forge_core/learn/metrics.py", "forge_core/learn/inference.py"],
    "export": ["forge_core/learn/export.py", "forge_core/tokens/arrays.py"],
    "publish": ["forge_core/learn/half_precision.py"],
    "generate-eq": ["forge_core/expected_q/games.py", "tasks/oracles.py", "forge_core/learn/inference.py"],
    "bids": ["forge_core/bids/matrix.py", "forge_core/players/pimc.py", "forge_core/solver/search_kernel.py"],
    "train-seat": ["forge_core/seat/games.py", "forge_core/seat/encode.py", "forge_core/seat/lit_module.py"],
    "arena": ["forge_core/players/pimc.py", "forge_core/arena/match.py", "forge_core/seat/rollouts.py"],
}
"""Files, some of many, without which the stage would make something else; its own module in tasks/ is another one."""

SHOWS = ["forge_core/errors.py", "forge_core/files.py", "forge_core/locks.py", "forge_core/learn/card.py"]
"""Files of forge_core and tasks that decide nothing, beside those below; all of the other packages decide nothing."""

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


@pytest.fixture
def edited(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], dict[str, str]]]:
    """The fingerprints of all stages after a text was added to a file."""
    monkeypatch.setattr(subject, "_root", lambda package: copy / package)
    before: dict[str, str] = {}

    def fingerprints(file: str, text: str) -> dict[str, str]:
        path = copy / file
        before.setdefault(file, path.read_text())
        path.write_text(before[file] + text)
        forget()
        return {name: stage.code() for name, stage in STAGES.items()}

    yield fingerprints
    for file, text in before.items():
        (copy / file).write_text(text)
    forget()


def forget() -> None:
    for function in (subject.fingerprint, subject._code_digest, subject._imports):
        function.cache_clear()


def test_every_stage_is_looked_at() -> None:
    assert DECIDES.keys() == STAGES.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_an_edit_of_what_decides_changes_the_key(stage: str, edited: Callable[[str, str], dict[str, str]]) -> None:
    own = STAGES[stage].run.__module__.replace(".", "/") + ".py"
    before = edited(own, "")[stage]
    for file in (own, *DECIDES[stage]):
        assert edited(file, WORDS)[stage] != before, file
        assert edited(file, "")[stage] == before
        assert edited(file, "\n# SHOWN = 1\n\n")[stage] == before, f"a comment in {file}"
        edited(file, "")


def test_an_edit_of_what_only_shows_changes_no_key(copy: Path, edited: Callable[[str, str], dict[str, str]]) -> None:
    before = edited("forge_core/errors.py", "")
    shown = [
        path.relative_to(copy).as_posix() for room in ("forge_view", "flows") for path in (copy / room).rglob("*.py")
    ]
    for file in (*SHOWS, *PLUMBING, *shown):
        edited(file, WORDS)
    assert edited("forge_core/errors.py", WORDS) == before


def test_what_a_stage_needs_on_modal_changes_no_key(copy: Path, edited: Callable[[str, str], dict[str, str]]) -> None:
    before = edited("tasks/generate.py", "")
    path = copy / "tasks" / "generate.py"
    text = path.read_text()
    path.write_text(text.replace("cores=4", "cores=64"))
    forget()
    try:
        assert path.read_text() != text
        assert {name: stage.code() for name, stage in STAGES.items()} == before
    finally:
        path.write_text(text)


def test_the_network_decides_no_game_of_the_exact_solver(edited: Callable[[str, str], dict[str, str]]) -> None:
    stage = STAGES["generate-eq"]
    edited("forge_core/learn/inference.py", "")
    exact, network = stage.code(inputs=False), stage.code()
    edited("forge_core/learn/inference.py", WORDS)
    assert (stage.code(inputs=False), stage.code() == network) == (exact, False)
    edited("forge_core/solver/search.py", WORDS)
    assert stage.code(inputs=False) != exact
