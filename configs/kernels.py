"""Where the compiled kernels of the solver are kept."""

import os
from collections.abc import Mapping
from pathlib import Path

from forge_core.errors import InputError

_SOURCES = Path(__file__).parents[1] / "forge_core" / "solver"
_NAMED = "NUMBA_CACHE_DIR"


def place(environment: Mapping[str, str], sources: Path = _SOURCES) -> dict[str, str]:
    """The variable that tells Numba where to keep kernels: the home folder, where the sources may not be written.

    Usually they lie beside the sources, for all homes of a checkout; a folder that the caller has named is left alone.
    """
    beside = sources / "__pycache__"
    writable = os.access(beside if beside.exists() else sources, os.W_OK) and not beside.is_file()
    if writable or environment.get(_NAMED):
        return {}
    from configs.installation import Installation  # takes longer to import than `forge --help` may

    try:
        return {_NAMED: str(Installation().home.absolute() / "kernels")}
    except InputError:  # the command will say so
        return {}
