"""The command that serves the table in the browser."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(table)


def table(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 = any free one.")] = 8042,
    output: Annotated[Path | None, typer.Option(help="Write the page into this folder instead of serving it.")] = None,
) -> None:
    """Play hands of Texas 42 in the browser, with a partner and two opponents who see their own hands."""
    from tempfile import TemporaryDirectory

    from flows.interrupt import ended_by_signals
    from forge_view.table.site import write_table

    if output is not None:
        write_table(output)
        typer.echo(f"{output}: serve it with any web server")
        return
    with suppress(KeyboardInterrupt), ended_by_signals(), TemporaryDirectory(prefix="forge-table-") as folder:
        write_table(Path(folder))
        serve(Path(folder), port)


def serve(folder: Path, port: int) -> None:
    """Serve a folder on this machine until Ctrl-C, and print its address. InputError for a port that is taken."""
    from forge_core.errors import InputError
    from forge_view.table.site import server

    try:
        web = server(folder, port)
    except OSError as problem:
        raise InputError.of(
            got=f"the port {port}, which cannot be used ({problem.strerror})",
            expected="a free one",
            remedy="name another with --port, or 0 for any",
        ) from problem
    with web:
        typer.echo(f"http://127.0.0.1:{web.server_port}/ until Ctrl-C")
        with suppress(KeyboardInterrupt):
            web.serve_forever()
