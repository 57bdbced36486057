"""Exact values of single states of many different deals, without solving the deals: what E[Q] and bidding ask for."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Int8, Int16, Int64, UInt8

from forge_core.errors import InputError
from forge_core.solver.jit import kernel
from forge_core.solver.search_kernel import MEMORY_WORDS, prepare, q_of_state, reached_of_state, value_of_opening
from forge_core.solver.state import ILLEGAL
from forge_core.threads import worker_threads

_CHUNK = 16
"""Rows that a thread takes at a time: few enough to share out 50 worlds, enough to hide the hand-over."""


ALL_SLOTS = 127
"""Every slot of a hand, as a bit mask."""


def search_q(
    deals: UInt8[np.ndarray, "n 28"],
    declarations: UInt8[np.ndarray, "n"],
    states: Int64[np.ndarray, "n"],
    *,
    slots: UInt8[np.ndarray, "n"] | None = None,
    threads: int = 0,
) -> Int8[np.ndarray, "n 7"]:
    """Exact Q of every legal play, team 0's view, points to go; -128 = illegal. All cores with `threads` = 0.

    deals holds the dealt ids (seat 0's seven slots, then seat 1's, 2's, 3's, each sorted); any state that is consistent
    with its own masks is answered, mid-trick ones too. `slots` are bit masks of the slots asked about; the others are
    left as illegal ones are. Rows are independent: the answer does not depend on their order, on what else is asked, or
    on the threads; rows of the same deal side by side share what the search has learnt.
    Raises InputError when the lengths differ.
    """
    return _search(deals, declarations, states, slots, None, threads)


def search_reached(
    deals: UInt8[np.ndarray, "n 28"],
    declarations: UInt8[np.ndarray, "n"],
    states: Int64[np.ndarray, "n"],
    bounds: Int16[np.ndarray, "n"],
    *,
    slots: UInt8[np.ndarray, "n"] | None = None,
    threads: int = 0,
) -> Int8[np.ndarray, "n 7"]:
    """Whether the Q of every legal play (team 0's view, points to go) reaches the row's bound: 1, 0; -128 = illegal.

    One null-window search a play, which costs a fraction of what its exact Q costs; the rest as in `search_q`.
    """
    return _search(deals, declarations, states, slots, np.ascontiguousarray(bounds, np.int16), threads)


def search_opening_values(
    deals: UInt8[np.ndarray, "n 28"], declarations: UInt8[np.ndarray, "n"], *, threads: int = 0
) -> Int8[np.ndarray, "n"]:
    """Exact V of the opening of each deal, seat 0 to lead: team 0's points less team 1's. Otherwise as `search_q`.

    One exact value is a quarter of the seven Q: a lead that cannot be the best one is never valued exactly.
    """
    deals = np.ascontiguousarray(deals, dtype=np.uint8)
    declarations = np.ascontiguousarray(declarations, dtype=np.uint8)
    if deals.shape != (len(declarations), 28):
        raise InputError.of(
            got=f"deals {deals.shape}, declarations {declarations.shape}",
            expected="shapes (n, 28) and (n,)",
            remedy="give one declaration for each deal",
        )
    out = np.zeros(len(declarations), dtype=np.int8)
    stopped = np.zeros(1, dtype=np.uint8)
    _share_out(partial(_value_chunks, deals, declarations, stopped, out), len(declarations), threads, stopped)
    return out


def _search(deals: Any, declarations: Any, states: Any, slots: Any, bounds: Any, threads: int) -> Any:
    deals = np.ascontiguousarray(deals, dtype=np.uint8)
    declarations = np.ascontiguousarray(declarations, dtype=np.uint8)
    states = np.ascontiguousarray(states, dtype=np.int64)
    slots = np.full(len(states), ALL_SLOTS, np.uint8) if slots is None else np.ascontiguousarray(slots, np.uint8)
    lengths = {len(declarations), len(slots), len(states if bounds is None else bounds), len(states)}
    if deals.shape != (len(states), 28) or len(lengths) > 1:
        raise InputError.of(
            got=f"deals {deals.shape}, declarations {declarations.shape}, states {states.shape}",
            expected="shapes (n, 28), (n,) and (n,), and as many slots and bounds",
            remedy="give one deal and one declaration for each state",
        )
    out = np.full((len(states), 7), ILLEGAL, dtype=np.int8)
    stopped = np.zeros(1, dtype=np.uint8)
    work = partial(_search_chunks, (deals, declarations, states, slots), bounds, stopped, out)
    _share_out(work, len(states), threads, stopped)
    return out


def _share_out(work: Callable[[range], None], n_rows: int, threads: int, stopped: UInt8[np.ndarray, "1"]) -> None:
    """Have `work` done on the starts of all chunks, by so many threads; `stopped` is set when it is broken off."""
    starts = range(0, n_rows, _CHUNK)
    threads = min(threads or os.cpu_count() or 1, len(starts))
    if len(starts) <= 1 or threads == 1:
        work(starts)
        return
    with worker_threads(threads) as pool:
        try:
            list(pool.map(work, (starts[i::threads] for i in range(threads))))
        except BaseException:  # Ctrl-C or a cancellation, which is not to wait for thousands of worlds
            stopped[0] = 1
            raise


def _search_chunks(asked: Any, bounds: Any, stopped: Any, out: Any, starts: range) -> None:
    memory = np.zeros(MEMORY_WORDS, dtype=np.int64)
    for start in starts:
        rows = slice(start, start + _CHUNK)
        deals, declarations, states, slots = (array[rows] for array in asked)
        if bounds is None:
            _search_rows(deals, declarations, states, slots, memory, stopped, out[rows])
        else:
            _reach_rows(deals, declarations, states, slots, bounds[rows], memory, stopped, out[rows])


@kernel
def _search_rows(deals: Any, declarations: Any, states: Any, slots: Any, memory: Any, stopped: Any, out: Any) -> None:
    for i in range(len(states)):
        if stopped[0]:
            return
        if i == 0 or declarations[i] != declarations[i - 1] or (deals[i] != deals[i - 1]).any():
            prepare(deals[i], declarations[i], memory)
        q_of_state(memory, states[i], slots[i], out[i])


@kernel
def _reach_rows(
    deals: Any, declarations: Any, states: Any, slots: Any, bounds: Any, memory: Any, stopped: Any, out: Any
) -> None:
    for i in range(len(states)):
        if stopped[0]:
            return
        if i == 0 or declarations[i] != declarations[i - 1] or (deals[i] != deals[i - 1]).any():
            prepare(deals[i], declarations[i], memory)
        reached_of_state(memory, states[i], slots[i], bounds[i], out[i])


def _value_chunks(deals: Any, declarations: Any, stopped: Any, out: Any, starts: range) -> None:
    memory = np.zeros(MEMORY_WORDS, dtype=np.int64)
    for start in starts:
        rows = slice(start, start + _CHUNK)
        _value_rows(deals[rows], declarations[rows], memory, stopped, out[rows])


@kernel
def _value_rows(deals: Any, declarations: Any, memory: Any, stopped: Any, out: Any) -> None:
    guess = np.int64(0)
    for i in range(len(deals)):
        if stopped[0]:
            return
        prepare(deals[i], declarations[i], memory)
        guess = value_of_opening(memory, guess)  # worlds of one hand are worth about the same
        out[i] = guess
