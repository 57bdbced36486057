"""The command that serves the table in the browser."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import inputs

if TYPE_CHECKING:
    from forge_view.table.site import TableNetwork


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(table)


def table(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 = any free one.")] = 8042,
    output: Annotated[Path | None, typer.Option(help="Write the page into this folder instead of serving it.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="The seat network that plays: a name of the catalog, its folder, or an .onnx file. Without it the "
            "champion, where npm can fetch onnxruntime-web or has; else exact search."
        ),
    ] = None,
) -> None:
    """Play hands of Texas 42 in the browser, with a partner and two opponents who see their own hands."""
    from tempfile import TemporaryDirectory

    from flows.interrupt import ended_by_signals
    from forge_view.table.site import write_table

    if (place := inputs.output(output)) is not None:
        write_table(place, _network(model))
        typer.echo(f"{output}: serve it with any web server")
        return
    with suppress(KeyboardInterrupt), ended_by_signals(), TemporaryDirectory(prefix="forge-table-") as folder:
        write_table(Path(folder), _network(model))
        serve(Path(folder), port)


def _network(model: str | None) -> "TableNetwork | str":
    """The network that plays at the table; or, unless one was named, why there is none."""
    from rich.console import Console

    from configs.installation import Installation
    from configs.storage import open_store
    from forge_core.artifacts.reference import Reference
    from forge_core.errors import ForgeError, InputError
    from forge_core.learn.catalog import CHAMPION, ONNX
    from forge_core.seat.onnx_model import onnx_ask
    from forge_view.table.runtime import runtime
    from forge_view.table.site import TableNetwork
    from tasks.models import find_seat

    try:
        found = find_seat(model or CHAMPION)
        place = open_store().path(found) if isinstance(found, Reference) else found
        path = place / ONNX if place.is_dir() else place
        if not path.is_file():
            raise InputError.of(
                got=f"{model or CHAMPION}, which leads to no ONNX file",
                expected="a seat network of the catalog or the store, its folder, or an .onnx file",
                remedy="name one that `forge models` lists, or export yours with `forge export`",
            )
        onnx_ask(path)
        with Console(stderr=True).status("Fetching onnxruntime-web, once"):
            files = runtime(Installation().home.absolute() / "browser")
        name = path.absolute().parent.name if path.name == ONNX else path.stem
        return TableNetwork(found.short if isinstance(found, Reference) else name, path, files)
    except (ForgeError, OSError) as problem:
        if model is not None:
            raise
        typer.echo(f"No network plays at the table. {problem}", err=True)
        return str(problem)


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
