"""The images of the Functions: pinned dependencies first, our own code last, so that an edit rebuilds nothing."""

import os
from importlib.metadata import version

from modal import FilePatternMatcher, Image

PYTHON = "3.11"
ROOMS = ("configs", "deployments", "forge_core", "tasks")
"""The packages that a container imports."""

_COMPILED = FilePatternMatcher("**/*.pyc", "**/__pycache__")
SOLVER = ("jaxtyping", "numba", "numpy", "polars", "pyarrow", "pydantic", "pydantic-settings", "PyYAML", "rich")
LEARNER = ("lightning", "matplotlib", "onnx", "onnxruntime", "onnxscript", "prefect", "safetensors", "torch")
CUDA = ("cupy-cuda12x[ctk]==14.2.0",)


def _pinned(names: tuple[str, ...]) -> list[str]:
    """The versions of this environment, so that a container computes with what the tests have seen.

    A container imports this module, too; it builds no image, and lacks the packages of other images.
    """
    if os.environ.get("MODAL_IS_REMOTE") == "1":
        return []
    return [f"{name}=={version(name).split('+')[0]}" for name in names]


def with_code(image: Image) -> Image:
    """The image with our packages, and with what lies beside their modules: CUDA sources, pages, presets."""
    return image.add_local_python_source(*ROOMS, ignore=_COMPILED)


def solver() -> Image:
    """What solving deals needs, on a GPU or without one."""
    return Image.debian_slim(PYTHON).pip_install(*_pinned(SOLVER), *CUDA)


def learner() -> Image:
    """The solver's image with torch and what belongs to it, for E[Q] games, training, evaluation and export."""
    return solver().pip_install(*_pinned(LEARNER))
