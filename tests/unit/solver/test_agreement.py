"""Three oracles, one answer: the value table, the search and the slow reference."""

import signal
import threading
import time

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.rules import Deal, Declaration, deal_from_seed
from forge_core.solver import reference
from forge_core.solver.search import search_q
from forge_core.solver.state import ILLEGAL, OPENING, fields, pack, unpack
from forge_core.solver.value_table import ValueTable, solve


def states_of_all_depths(table: ValueTable, each: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `each` states at every plays-left from 28 to 1."""
    sizes = table.states_by_plays_left[:0:-1]
    starts = np.cumsum(sizes) - sizes
    ranks = [
        start + np.sort(rng.choice(size, min(each, size), replace=False))
        for start, size in zip(starts, sizes, strict=True)
    ]
    return table.states(np.concatenate(ranks))


def rows(deal: Deal, declaration: int, states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.tile(np.array(deal.dominoes, dtype=np.uint8), (len(states), 1)), np.full(len(states), declaration), states


@pytest.mark.parametrize("declaration", Declaration)
def test_table_search_and_reference_agree(declaration: Declaration) -> None:
    rng = np.random.default_rng(declaration)
    for seed in (1000 + declaration, 2000 + declaration):
        deal = deal_from_seed(seed)
        table = solve(deal, declaration)
        states = states_of_all_depths(table, 25, rng)
        q = table.q(states)
        assert (q == search_q(*rows(deal, declaration, states))).all()
        for state, row in zip(states.tolist(), q.tolist(), strict=True):
            position = unpack(state, deal, declaration)
            if position.plays_left <= 10:
                assert [ILLEGAL if x is None else x for x in reference.q(position)] == row
        late = states[fields(states).plays_left <= 10]
        assert table.value(late).tolist() == [reference.value(unpack(s, deal, declaration)) for s in late.tolist()]


@pytest.mark.slow
def test_table_and_search_agree_on_many_positions() -> None:
    rng = np.random.default_rng(42)
    for seed in range(60):
        deal = deal_from_seed(5000 + seed)
        table = solve(deal, seed % 10)
        states = states_of_all_depths(table, 400, rng)
        assert (table.q(states) == search_q(*rows(deal, seed % 10, states))).all()


def test_the_table_holds_all_that_play_can_reach() -> None:
    """What the rules reach below late positions is among the table's states, and as much as the reference counts."""
    deal = deal_from_seed(1)
    table = solve(deal, 1)
    states = np.sort(table.states(np.arange(table.reachable_states)))
    late = states[fields(states).plays_left == 9]
    for state in np.random.default_rng(0).choice(late, 5).tolist():
        seen, frontier = {state}, [unpack(state, deal, 1)]
        while frontier:
            here = frontier.pop()
            for after in (pack(here.play(slot)) for slot in here.legal_slots()):
                if after not in seen:
                    seen.add(after)
                    frontier.append(unpack(after, deal, 1))
        assert len(seen) == reference.count_reachable(unpack(state, deal, 1))
        found = np.array(sorted(seen))
        assert (states[np.searchsorted(states, found)] == found).all()


def test_search_does_not_depend_on_order_or_threads() -> None:
    deals = [deal_from_seed(seed) for seed in range(70)]
    arguments = (
        np.array([deal.dominoes for deal in deals], dtype=np.uint8),
        np.arange(70) % 10,
        np.full(70, OPENING),
    )
    one = search_q(*arguments, threads=1)
    assert (search_q(*arguments, threads=2) == one).all()
    assert (search_q(*(a[::-1] for a in arguments), threads=3) == one[::-1]).all()
    assert search_q(*(a[:0] for a in arguments)).shape == (0, 7)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupted_search_ends_at_once(threads: int) -> None:
    """What it would still have to search takes minutes."""
    rows = 100_000
    deals = np.tile(np.array(deal_from_seed(0).dominoes, dtype=np.uint8), (rows, 1))
    deals[1::2] = deal_from_seed(1).dominoes  # so that no row learns from the one before
    threading.Timer(1.0, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        search_q(deals, np.zeros(rows, dtype=np.uint8), np.full(rows, OPENING), threads=threads)
    assert time.monotonic() - start < 10


def test_search_refuses_lengths_that_differ() -> None:
    with pytest.raises(InputError, match=r"shapes \(n, 28\)"):
        search_q(np.zeros((2, 28), dtype=np.uint8), np.zeros(2, dtype=np.uint8), np.array([OPENING]))
