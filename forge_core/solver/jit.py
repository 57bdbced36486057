"""Numba's decorators with the types of the functions kept, and the one way in which kernels are compiled here."""

from collections.abc import Callable
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
