"""All commands of the command line, for tests that hold every one of them to something."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from flows.cli import app


def commands() -> Iterator[tuple[str, Any]]:
    """Names, such as "eq view", and commands; a group that does something by itself is one, too."""
    yield from _below(typer.main.get_command(app), "")


def _below(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if not isinstance(command, TyperGroup) or command.invoke_without_command:
            yield prefix + name, command
        if isinstance(command, TyperGroup):
            yield from _below(command, f"{prefix}{name} ")
