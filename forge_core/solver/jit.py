"""Numba's decorators with the types of the functions kept, and the one way in which kernels are compiled here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """A compiled entry point: releases the GIL and is cached on disk, so that it is compiled once a machine."""
    return cast("Callable[P, T]", njit(nogil=True, cache=True)(function))


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """A compiled piece of a kernel, merged into its caller, where constant arguments (a seat) fold away."""
    return cast("Callable[P, T]", cast(Any, njit)(forceinline=True)(function))


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether a kernel lies in the cache on disk, so that its first call in this process does not have to wait."""
    cached = Path(cast(Any, function)._cache.cache_path)
    plain = cast(Any, function).py_func
    return any(cached.glob(f"{plain.__module__.rpartition('.')[2]}.{plain.__qualname__}-*.nbi"))
