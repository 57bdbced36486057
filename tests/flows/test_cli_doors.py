"""The commands about the program itself and about hands that were played elsewhere."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.cli.examples import EXAMPLES

HAND = {"declaration": "sixes", "hands": ["1-1,2-1,3-3,4-0,4-3,6-3,6-6", None, None, None], "plays": "2-1,4-2,2-2,3-2"}


def test_version() -> None:
    ran = CliRunner().invoke(app, ["--version"])
    assert ran.exit_code == 0
    assert ran.stdout.startswith("crystal-forge ")


def test_config_says_where_things_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    found = json.loads(CliRunner().invoke(app, ["config", "--json"]).stdout)
    assert found["places"]["home"] == str(tmp_path)
    assert found["variables"]["FORGE_HOME"] == str(tmp_path)
    assert "FORGE_STORE" in CliRunner().invoke(app, ["config"]).stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_result_is_lost_for_a_character(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "hänge.json").write_text(json.dumps([HAND | {"id": "Ärger ♥"}]))
    command = [Path(sys.executable).with_name("forge"), "import", "hänge.json"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True)
    assert b"1 sound records" in ran.stdout
    environment["COLUMNS"] = "40"
    ran = subprocess.run(
        [*command, "--output", "/dev/full"], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.decode(encoding).startswith("Error: Got ")
    assert len(ran.stderr.splitlines()) == 1


def test_a_full_disk_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flows.cli.config.show_rows", full)
    ran = CliRunner().invoke(app, ["config"])
    assert ran.exit_code == 1
    assert "Got No space left on device" in ran.output
    assert "Free some space, then run it again" in ran.output


def test_import_and_review(tmp_path: Path) -> None:
    path, page = tmp_path / "hands.json", tmp_path / "page.html"
    path.write_text(json.dumps([HAND, HAND | {"bid": 99}]))
    checked = CliRunner().invoke(app, ["import", str(path), "--output", str(tmp_path / "sound.json")])
    assert checked.exit_code == 2
    assert "record 2: Got bid 99" in checked.output
    assert len(json.loads((tmp_path / "sound.json").read_text())) == 1
    arguments = ["review", str(tmp_path / "sound.json"), "--n-worlds", "5", "--html", str(page), "--json"]
    reviewed = CliRunner().invoke(app, arguments)
    assert reviewed.exit_code == 0
    assert json.loads(reviewed.stdout)[0]["decisions"][0]["domino"] == "2-1"
    assert "What the plays gave up" in page.read_text()


def test_plain_forge_says_what_to_try_until_something_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    first = CliRunner().invoke(app, [])
    assert first.exit_code == 0
    assert f"Nothing has been made yet in {tmp_path}/home" in first.stdout
    (tmp_path / "home" / "store").mkdir(parents=True)
    assert CliRunner().invoke(app, []).stdout.startswith("Usage: ")


def test_help_has_examples() -> None:
    for command, examples in EXAMPLES.items():
        shown = CliRunner().invoke(app, [*command.split(), "--help"]).stdout
        assert all(example in shown for example in examples), shown


@pytest.mark.parametrize("example", [EXAMPLES["solve"][0], *EXAMPLES["advise"]])
def test_examples_run(example: str) -> None:
    ran = CliRunner().invoke(app, shlex.split(example)[1:])
    assert ran.exit_code == 0, ran.output


def test_the_page_of_the_command_line_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
    command, shown = page.split("$ forge solve ")[1].splitlines()[:2]
    assert CliRunner().invoke(app, ["solve", *command.split()]).stdout.strip() == shown
    assert all(example in page for example in EXAMPLES["advise"])


@pytest.mark.parametrize(
    ("shell", "typed"),
    [
        ("bash", {"COMP_WORDS": "forge rev", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "forge rev"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "forge rev", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_shells_complete_commands(shell: str, typed: dict[str, str]) -> None:
    """As the line that `forge --install-completion` puts into the shell's start file asks for it."""
    program = str(Path(sys.executable).with_name("forge"))

    def answer(instruction: str, **variables: str) -> str:
        environment = {**os.environ, "_FORGE_COMPLETE": f"{instruction}_{shell}", **variables}
        return subprocess.run([program], env=environment, capture_output=True, text=True, check=True).stdout

    assert "_FORGE_COMPLETE" in answer("source")
    assert "review" in answer("complete", **typed)
