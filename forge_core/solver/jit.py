"""Numba's decorators with the types of the functions kept, and the one way in which kernels are compiled here."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """A compiled entry point: releases the GIL and is cached on disk, so that it is compiled once a machine.

    Numba takes a cached kernel for good as long as the file that holds it is unchanged, but what it calls may stand in
    another one: here a change of any file of this package, too, compiles it anew.
    """
    compiled: Any = njit(nogil=True, cache=True)(function)
    cache_file = compiled._cache._cache_file
    cache_file._source_stamp = (cache_file._source_stamp, _package_stamp())
    return cast("Callable[P, T]", compiled)


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
    cached = Path(cast(Any, function)._cache.cache_path)
    plain = cast(Any, function).py_func
    return any(cached.glob(f"{plain.__module__.rpartition('.')[2]}.{plain.__qualname__}-*.nbi"))
