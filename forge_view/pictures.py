"""Plots in the pages of the Prefect UI. They travel inside the page, so that they need no file server."""

import base64
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.artifacts import create_markdown_artifact

Draw = Callable[[Path], None]
"""Writes a PNG."""


def publish_picture(key: str, description: str, draw: Draw) -> None:
    """Show a plot on the page of the run that is under way."""
    create_markdown_artifact(picture(draw), key=f"{key}-plot", description=description)


def picture(draw: Draw) -> str:
    """A plot, in markdown."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plot.png"
        draw(path)
        return read_picture(path)


def read_picture(path: Path) -> str:
    """The picture in a PNG file, in markdown."""
    return f"![{path.stem}](data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})"
