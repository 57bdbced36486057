"""Figures as PNG files."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from forge_core.files import replacing


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, atomically, with the renderer that needs no display."""
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
