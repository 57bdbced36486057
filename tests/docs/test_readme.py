"""What the documents promise exists: every command they show is one, with these options; every link leads somewhere."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from flows.cli import app
from flows.cli.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = re.findall(r"`(?:\.venv/bin/)?(forge [^`\n]+)`", "\n".join(page.read_text() for page in PAGES))
COMMANDS = sorted({*SHOWN, *(line for lines in EXAMPLES.values() for line in lines)})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    for word in words:  # the files that the examples speak of
        if word.endswith((".parquet", ".pt")):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
        elif word in ("shards", "tokens", "model", "games", "hands", "match"):
            Path(word).mkdir(exist_ok=True)
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"forge has no command {name}"
        command = command.commands[name]
    if isinstance(command, TyperGroup) and words:  # options of the group itself, some of which act at once: --version
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known
    elif words or not isinstance(command, TyperGroup):
        try:
            command.make_context("forge", words, resilient_parsing=not words)
        except TyperException as problem:
            if type(problem).__name__ != "MissingParameter":  # prose may leave out what a command needs
                raise


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_tests_that_are_named_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"`(tests/[\w/]+\.py)`", page.read_text()):
            assert (ROOT / name).is_file(), f"{page.name}: {name}"


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"`?\bmake ([a-z-]+)`?", "\n".join(re.findall(r"`make [a-z-]+`", page.read_text()))):
            assert target in targets, f"{page.name}: make {target}"
