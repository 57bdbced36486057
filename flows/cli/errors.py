"""How errors leave the command line: one message on stderr and the exit code of the error, never a trace."""

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from forge_core.errors import ForgeError, InputError


class ForgeGroup(TyperGroup):
    """The group of all commands."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ForgeError as error:
            failure = error
        except BrokenPipeError:
            raise  # whoever read the output has seen enough; typer knows what to do
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            failure = ForgeError.of(
                got=f"{error.strerror or error}" + f": {error.filename}" * (error.filename is not None),
                expected="free space on the disk" if full else "files and folders that can be read and written",
                remedy="free some space, then run it again; what was finished is kept"
                if full
                else "check the path, or name another",
            )
            failure.__cause__ = error
        except UnicodeEncodeError as error:  # from whatever was given a path of bytes that are no text
            failure = InputError.of(
                got=f"the name {error.object!r}", expected="a name in UTF-8", remedy="rename that file or folder"
            )
        typer.echo(f"Error: {failure}", err=True)
        raise typer.Exit(failure.exit_code) from failure
