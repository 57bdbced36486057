"""Plots on a run's page in the Prefect UI."""

import base64
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.artifacts import create_image_artifact


def publish_picture(key: str, description: str, draw: Callable[[Path], None]) -> None:
    """Show on the run's page the PNG that `draw` writes; it travels inside the artifact, so it needs no file server."""
    with TemporaryDirectory() as name:
        path = Path(name) / f"{key}.png"
        draw(path)
        image = base64.b64encode(path.read_bytes()).decode()
    create_image_artifact(f"data:image/png;base64,{image}", key=f"{key}-plot", description=description)
