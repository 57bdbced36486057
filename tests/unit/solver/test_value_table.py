"""The value table: numbering, sampling, bounds, and what it refuses."""

import numpy as np
import pytest
from scipy import stats

from forge_core.errors import InputError
from forge_core.rules import deal_from_seed
from forge_core.solver.state import ILLEGAL, OPENING, fields, unpack
from forge_core.solver.value_table import ValueTable, solve


@pytest.fixture(scope="module")
def table() -> ValueTable:
    return solve(deal_from_seed(1), 1)  # 5.2 million states: a small deal


def test_numbers_and_states_are_one_to_one(table: ValueTable) -> None:
    states = table.states(np.arange(table.reachable_states))
    assert len(np.unique(states)) == table.reachable_states == 5_181_785
    assert states[0] == OPENING
    plays_left = fields(states).plays_left
    assert (np.diff(plays_left) <= 0).all()
    assert (np.bincount(plays_left) == table.states_by_plays_left).all()


def test_every_numbered_state_can_be_reached(table: ValueTable) -> None:
    ranks = np.sort(np.random.default_rng(0).choice(table.reachable_states, 20_000, replace=False))
    states = table.states(ranks)
    q, value = table.q(states), table.value(states)
    for state, row in zip(states[:2000].tolist(), q[:2000].tolist(), strict=True):
        position = unpack(state, table.deal, table.declaration)
        assert [slot for slot in range(7) if row[slot] != ILLEGAL] == list(position.legal_slots())
        assert all(abs(x) <= position.points_left for x in row if x != ILLEGAL)
    legal = q != ILLEGAL
    assert ((q - value[:, None]) % 2 == 0)[legal].all()  # V, Q and the points left have the same parity


def test_the_values_between_tricks_are_those_of_the_states(table: ValueTable) -> None:
    starts = np.cumsum(table.states_by_plays_left[::-1]) - table.states_by_plays_left[::-1]
    for tricks in range(8):
        start, size = starts[28 - 4 * tricks], table.states_by_plays_left[4 * tricks]
        states = table.states(np.arange(start, start + size))
        assert (fields(states).n_played == 0).all()
        np.testing.assert_array_equal(table.boundary_values(tricks), table.value(states))


def test_samples_are_uniform(table: ValueTable) -> None:
    drawn = np.concatenate([table.sample(4000, np.random.default_rng(seed)) for seed in range(25)])
    plays_left = np.bincount(fields(drawn).plays_left, minlength=29)[1:]
    expected = table.states_by_plays_left[1:] / table.states_by_plays_left[1:].sum() * len(drawn)
    often = expected >= 20
    pooled = np.append(plays_left[often], plays_left[~often].sum()), np.append(expected[often], expected[~often].sum())
    assert stats.chisquare(*pooled).pvalue > 1e-4
    everything = table.states(np.arange(table.reachable_states - table.states_by_plays_left[0]))
    position = np.argsort(everything)[np.searchsorted(np.sort(everything), drawn)]
    bins = np.bincount(position * 100 // len(everything), minlength=100)
    assert stats.chisquare(bins).pvalue > 1e-4


def test_samples_are_different_and_repeatable(table: ValueTable) -> None:
    first, again = (table.sample(5000, np.random.default_rng(7)) for _ in range(2))
    assert (first == again).all()
    assert len(np.unique(first)) == 5000
    assert fields(first).plays_left.min() > 0


def test_arrays_stay_small(table: ValueTable) -> None:
    assert table.nbytes < 39e6
    assert solve(deal_from_seed(3), 3).nbytes < 39e6  # 75 million states


@pytest.mark.parametrize(
    "state",
    [
        OPENING & ~1,  # seat 0 has played without a trick
        OPENING | 1 << 28,  # seat 1 leads first
        OPENING & ~(7 << 32) | 1 << 30,  # the slot on the table is still in the hand
        (1 << 41) - 1,
        0b1111111,  # six tricks that nobody can have played
    ],
)
def test_states_of_no_game_are_refused(table: ValueTable, state: int) -> None:
    with pytest.raises(InputError, match=f"state {state}"):
        table.q(np.array([OPENING, state]))


def test_the_end_is_worth_nothing(table: ValueTable) -> None:
    final = table.states(np.arange(table.reachable_states))[-int(table.states_by_plays_left[0]) :]
    assert (table.value(final) == 0).all()
    assert (table.q(final) == ILLEGAL).all()
