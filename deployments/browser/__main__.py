"""Play against a model in the browser: `python -m deployments.browser [--model champion]`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from configs.installation import Installation
from configs.storage import open_store
from deployments.browser.runtime import runtime
from deployments.browser.site import server, write_site
from forge_core.artifacts.reference import Reference
from forge_core.errors import ForgeError, InputError, ModelError
from tasks.models import find_model


def main(
    model: Annotated[str, typer.Option(help="champion, a folder with model.onnx, or a file of `forge export`.")] = (
        "champion"
    ),
    port: Annotated[int, typer.Option(help="Port of the page on this machine; 0 = any free one.")] = 8042,
    output: Annotated[Path | None, typer.Option(help="Write the page into this folder instead of serving it.")] = None,
) -> None:
    """Serve a page on which a model shows what each play is worth, and plays."""
    try:
        cache = Installation().home.absolute() / "browser"
        folder = output or cache / "page"
        write_site(_onnx(model), folder, runtime(cache))
        if output is None:
            _serve(folder, port)
        else:
            typer.echo(f"{output}: serve it with any web server")
    except ForgeError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def _serve(folder: Path, port: int) -> None:
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


def _onnx(name: str) -> Path:
    found = find_model(name)
    path = open_store().path(found) if isinstance(found, Reference) else found
    path = path / "model.onnx" if path.is_dir() else path
    if not path.is_file():
        raise ModelError.of(
            got=f"{path.parent} without a model.onnx",
            expected="an exported model",
            remedy="export it first with `forge export`",
        )
    return path


if __name__ == "__main__":
    typer.run(main)
