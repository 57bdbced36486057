"""Random numbers keyed by what they are for, so that no draw depends on batches, threads or who else plays.

A key is the hash of (seed, purpose, seat, ply); the k-th number of a key is the hash of the key and k (splitmix64).
"""

from enum import IntEnum
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from numba import uint64

from forge_core.solver.jit import inlined, kernel

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_UNIT = 2.0**-53


class Purpose(IntEnum):
    """What a draw is for; a part of its key. Numbers are never reused: they decide recorded results."""

    WORLDS = 1
    CHOICE = 2
    DECLARATION = 3
    PLAYOUTS = 4
    EXPLORATION = 5
    OPENINGS = 6


@inlined
def mixed(x: Any) -> Any:
    """A uint64 hashed to another; for kernels."""
    x = (x ^ (x >> uint64(30))) * _MIX_1
    x = (x ^ (x >> uint64(27))) * _MIX_2
    return x ^ (x >> uint64(31))


@inlined
def _next_key(key: Any, part: Any) -> Any:
    return mixed(key + _STEP * (uint64(part) + uint64(1)))


@kernel
def stream_keys(seeds: Int64[np.ndarray, "n"], purpose: int, seats: Any, ply: int) -> UInt64[np.ndarray, "n"]:
    """The keys of the decisions of `seats` (integers [n]) at a ply, for one purpose."""
    keys = np.empty(len(seeds), np.uint64)
    for i in range(len(seeds)):
        keys[i] = _next_key(_next_key(_next_key(mixed(uint64(seeds[i])), purpose), seats[i]), ply)
    return keys


@kernel
def derived_keys(keys: UInt64[np.ndarray, "n"], part: int) -> UInt64[np.ndarray, "n"]:
    """Further keys: of these ones and a number (another purpose, a player's own seed)."""
    answer = np.empty(len(keys), np.uint64)
    for i in range(len(keys)):
        answer[i] = _next_key(keys[i], part)
    return answer


@inlined
def unit(key: Any, k: Any) -> Any:
    """The k-th number of a key, uniform in [0, 1); for kernels."""
    return np.float64(_next_key(key, k) >> uint64(11)) * _UNIT


@kernel
def uniform(keys: UInt64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """The first number of each key, uniform in [0, 1)."""
    answer = np.empty(len(keys), np.float64)
    for i in range(len(keys)):
        answer[i] = unit(keys[i], 0)
    return answer
