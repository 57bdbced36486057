"""What a container on Modal gets: pinned dependencies first, our own code last, so that an edit rebuilds nothing.

The executor and the worker of the pool `gpu` share all of it. What goes in is named here; nothing else does.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import modal

from configs.modal import VOLUME

MOUNT = "/volume"
"""Where the Volume lies in a container."""

CODE = "/root"
"""Where our packages lie in a container."""

ROOMS = ("configs", "forge_core", "tasks")
"""The packages that a stage imports."""

SOLVER = (
    *("filelock", "jaxtyping", "numba", "numpy", "polars", "psutil", "pyarrow", "pydantic", "pydantic-settings"),
    *("PyYAML", "rich"),
)
LEARNER = ("lightning", "matplotlib", "onnx", "onnxruntime", "onnxscript", "safetensors", "torch")
FLOWS = ("fastapi", "mlflow", "prefect", "typer")
CUDA = ("cupy-cuda12x[ctk]==14.2.0",)

_KINDS = ("*.py", "*.cu", "*.html", "*.js", "*.yaml", "*.json", "*.safetensors", "*.onnx", "SHA256SUMS", "*.md")
"""The files of a package or of the catalog that go into a container."""


def stage_image() -> modal.Image:
    """What stages need, with this checkout's code. The container's Python is the one that runs here."""
    return with_code(_dependencies(SOLVER, LEARNER), ROOMS)


def flow_image(folders: tuple[str, ...], code: str = CODE) -> modal.Image:
    """What flow runs need beside it: the named folders of this checkout, at `code`."""
    return with_code(_dependencies(SOLVER, LEARNER, FLOWS), folders, code)


def with_code(image: modal.Image, folders: tuple[str, ...], code: str = CODE) -> modal.Image:
    """The image with folders of this checkout: of each, the files of the kinds that belong to a package, no others."""
    root = Path(__file__).parents[2]
    ignore = ~modal.FilePatternMatcher(*(f"**/{kind}" for kind in _KINDS))
    for folder in (root / name for name in folders):
        if folder.is_dir():
            image = image.add_local_dir(folder, f"{code}/{folder.name}", ignore=ignore)
    return image


def volume() -> modal.Volume:
    """Our Volume; made on first use."""
    return modal.Volume.from_name(VOLUME, create_if_missing=True, version=2)


def _dependencies(*groups: tuple[str, ...]) -> modal.Image:
    """The versions of this environment, so that a container computes with what the tests have seen."""
    pins = [f"{name}=={version(name).split('+')[0]}" for group in groups for name in group]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return modal.Image.debian_slim(python).pip_install(*pins, *CUDA)
