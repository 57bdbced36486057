"""With FORGE_TEST_SHAPES=1, array shapes and dtypes are checked while the tests run: `Int64[np.ndarray, "n 7"]`.

jaxtyping's import hook decorates the functions and dataclasses of the modules that have such annotations; beartype
checks them. Modules with Numba kernels are left alone: Numba compiles a function, not what is wrapped around it.
"""

import inspect
from pathlib import Path
from typing import Any, get_args

import jaxtyping
from beartype import beartype

ROOT = Path(__file__).parents[1]


def modules() -> list[str]:
    """The modules whose annotations are checked; not learn's, whose models could no longer be pickled."""
    texts = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text()
        for path in sorted((ROOT / "forge_core").rglob("*.py"))
    }
    return [
        name
        for name, text in texts.items()
        if "from jaxtyping import" in text and "solver.jit import" not in text and ".learn." not in name
    ]


def check(function: Any) -> Any:
    """The function, checked as far as it speaks of arrays; pyright checks everything else."""
    hints = {name: hint for name, hint in inspect.get_annotations(function).items() if _speaks_of_arrays(hint)}
    if not hints:
        return function
    function.__annotations__ = hints
    return beartype(function)


def _speaks_of_arrays(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_speaks_of_arrays, get_args(hint)))


def install() -> None:
    """Check from now on; to be called before any of the modules is imported."""
    jaxtyping.install_import_hook(modules(), f"{__name__}.{check.__name__}")
