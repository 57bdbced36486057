"""Numba's decorators with the types of the functions kept, and the one way in which kernels are compiled here."""

import hashlib
import logging
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit
from numba.core import config
from numba.core.caching import IndexDataCacheFile

logger = logging.getLogger(__name__)

if cast(Any, config).DISABLE_JIT:  # the instructions that the kernels are made of exist in compiled code alone
    cast(Any, config).DISABLE_JIT = 0
    logger.warning("NUMBA_DISABLE_JIT does not count: the solver cannot run without being compiled.")

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """A compiled entry point: releases the GIL and is cached on disk, so that it is compiled once a machine.

    Numba takes a cached kernel for good as long as the file that holds it is unchanged, but what it calls may stand in
    another one: here a change of any file of this package, too, compiles it anew. A damaged cache file counts as
    missing. Where nothing can be written, every process compiles for itself, with one warning.
    """
    try:
        compiled: Any = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # Numba found no folder that it may write to
        _warn_once()
        return cast("Callable[P, T]", cast(Any, njit)(nogil=True)(function))
    files = compiled._cache._cache_file
    files.__class__ = _CheckedFiles
    files._source_stamp = (files._source_stamp, _package_stamp())
    return cast("Callable[P, T]", compiled)


@cache
def _warn_once() -> None:
    logger.warning(
        "Compiled kernels cannot be kept, and every process compiles them for half a minute: there is no folder "
        "for them that can be written. NUMBA_CACHE_DIR names one."
    )


class _CheckedFiles(IndexDataCacheFile):
    """Numba's cache files of a kernel, the code behind its SHA-256: cut, changed or unreadable files are made again."""

    def _load_index(self) -> dict[Any, str]:
        try:
            return cast("dict[Any, str]", super()._load_index())
        except Exception:  # unpickling damaged bytes, or names that an older version had, raises anything
            return {}

    def _load_data(self, name: str) -> Any:
        content = Path(cast(Any, self)._data_path(name)).read_bytes()
        digest, code = content[:32], content[32:]
        if hashlib.sha256(code).digest() != digest:
            raise OSError(f"{name} is damaged")  # Numba compiles the kernel and writes the file again
        return pickle.loads(code)  # noqa: S301 (ours: a cache is as trusted as the checkout, see docs/security.md)

    def _save_data(self, name: str, data: Any) -> None:
        files = cast(Any, self)
        code = files._dump(data)
        with files._open_for_write(files._data_path(name)) as file:
            file.write(hashlib.sha256(code).digest() + code)


@cache
def _package_stamp() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of this package's files: what Numba's own stamp is for one file."""
    files = ((path.name, path.stat()) for path in sorted(Path(__file__).parent.glob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in files)


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """A compiled piece of a kernel, merged into its caller, where constant arguments (a seat) fold away."""
    return cast("Callable[P, T]", cast(Any, njit)(forceinline=True)(function))


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether a kernel lies in the cache on disk, so that its first call in this process does not have to wait."""
    folder = getattr(getattr(function, "_cache", None), "cache_path", None)
    if folder is None:
        return False
    cached, plain = Path(folder), cast(Any, function).py_func
    return any(cached.glob(f"{plain.__module__.rpartition('.')[2]}.{plain.__qualname__}-*.nbi"))
