import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from forge_core.shards.request import DealRequest
from forge_core.shards.sampling import equal_shares, sample_states, sampling_of
from forge_core.shards.settings import ShardSettings
from forge_core.solver import state
from forge_core.solver.value_table import ValueTable, solve

REQUEST = DealRequest(1, None, 1)


@pytest.fixture(scope="module")
def table() -> ValueTable:
    return solve(REQUEST.deal(), REQUEST.declaration)


def draw(table: ValueTable, request: DealRequest = REQUEST, **settings: object) -> np.ndarray:
    return sample_states(table, sampling_of(request, ShardSettings.model_validate(settings)))


@pytest.mark.parametrize("strategy", ["uniform", "by_depth", "played", "uniform,by_depth=2,played"])
def test_samples_are_different_open_reachable_states(table: ValueTable, strategy: str) -> None:
    states = draw(table, strategy=strategy, states_per_deal=5000)
    assert 4500 < len(states) <= 5000
    assert (np.diff(states) > 0).all()
    assert (state.fields(states).plays_left > 0).all()
    table.q(states)  # raises for a state that play cannot reach


@pytest.mark.parametrize("strategy", ["uniform", "by_depth", "played"])
def test_the_key_decides(table: ValueTable, strategy: str) -> None:
    first = draw(table, strategy=strategy, states_per_deal=300)
    np.testing.assert_array_equal(draw(table, strategy=strategy, states_per_deal=300), first)
    other = draw(table, DealRequest(1, 0, 1), strategy=strategy, states_per_deal=300)
    assert not np.array_equal(other, first)


def test_uniform_samples_are_uniform_over_plays_left(table: ValueTable) -> None:
    states = draw(table, states_per_deal=100_000)
    there = table.states_by_plays_left[1:]
    found = np.bincount(state.fields(states).plays_left, minlength=29)[1:]
    expected = there / there.sum() * len(states)
    often = expected >= 5
    assert chisquare(found[often], expected[often] * found[often].sum() / expected[often].sum()).pvalue > 0.001


def test_by_depth_gives_every_depth_the_same(table: ValueTable) -> None:
    found = np.bincount(state.fields(draw(table, strategy="by_depth", states_per_deal=2800)).plays_left)
    there = table.states_by_plays_left
    assert found.sum() == 2800
    full = found < there  # the other depths have given all that they have
    assert np.ptp(found[full][1:]) <= 1
    np.testing.assert_array_equal(found[~full], there[~full])


def test_played_games_know_the_opening_and_mostly_the_best_play(table: ValueTable) -> None:
    states = draw(table, strategy="played", states_per_deal=2000, epsilon=0.0)
    assert state.OPENING in states
    opening_q = table.q(np.array([state.OPENING]))[0]
    second = states[state.fields(states).plays_left == 27]
    assert len(second) == (opening_q == opening_q.max()).sum()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=28), st.integers(0, 2000))
def test_equal_shares_are_equal(there: list[int], n: int) -> None:
    sizes = np.array(there)
    quotas = equal_shares(sizes, n)
    assert quotas.sum() == min(n, sizes.sum())
    assert (quotas <= sizes).all()
    for i in np.flatnonzero(quotas < sizes):
        assert quotas[i] >= quotas.max() - 1
