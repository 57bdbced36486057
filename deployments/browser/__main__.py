"""Play against a model in the browser: `python -m deployments.browser [--model champion]`."""

from pathlib import Path
from typing import Annotated

import typer

from configs.installation import Installation
from configs.storage import open_store
from deployments.browser.site import write_site
from flows.cli.table import serve
from forge_core.artifacts.reference import Reference
from forge_core.errors import ForgeError, ModelError
from forge_view.table.runtime import runtime
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
            serve(folder, port)
        else:
            typer.echo(f"{output}: serve it with any web server")
    except ForgeError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


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
