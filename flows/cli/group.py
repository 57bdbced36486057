"""How errors leave the command line: one message on stderr and the exit code of the error, never a trace."""

from typing import Any

import typer
from typer.core import TyperGroup

from forge_core.errors import ForgeError


class ForgeGroup(TyperGroup):
    """The group of all commands."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ForgeError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
