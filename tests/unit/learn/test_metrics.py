import numpy as np
import pytest

from forge_core.learn.metrics import measure_model, measure_random_play
from forge_core.tokens.dataset import TokenArrays

ILLEGAL = -128


def _arrays(q: list[list[int]], plays_left: list[int], seed: list[int]) -> TokenArrays:
    table = np.array([row + [ILLEGAL] * (7 - len(row)) for row in q], np.int8)
    n, legal, v = len(table), table != ILLEGAL, table.max(axis=1)
    return TokenArrays(
        tokens=np.zeros((n, 32, 12), np.int8),
        mask=np.ones((n, 32), np.bool_),
        legal=legal,
        q=table,
        v=v,
        best=legal & (table == v[:, None]),
        plays_left=np.array(plays_left, np.int8),
        declaration=np.array(seed, np.int8),
        seed=np.array(seed, np.int64),
    )


@pytest.fixture
def arrays() -> TokenArrays:
    return _arrays([[4, -8, ILLEGAL, 4], [10, 8], [-2]], plays_left=[12, 8, 8], seed=[1, 2, 2])


def test_a_model_is_judged_by_its_highest_legal_slot(arrays: TokenArrays) -> None:
    slots = np.array([[1.0, 2, 99, 0, 99, 99, 99], [9, 9.5, 99, 0, 0, 0, 0], [-1, 99, 0, 0, 0, 0, 0]], np.float32)
    value = np.array([5.0, 10, -6], np.float32)
    overall = measure_model(slots, value, arrays, predicts_q=True).overall
    assert overall.samples == 3
    assert overall.q_gap == pytest.approx((12 + 2 + 0) / 3)
    assert overall.accuracy == pytest.approx(1 / 3)
    assert overall.blunder_rate == pytest.approx(1 / 3)
    assert overall.q_mae == pytest.approx((3 + 10 + 4 + 1 + 1.5 + 1) / 6)
    assert overall.value_mae == pytest.approx((1 + 0 + 4) / 3)


def test_every_best_play_is_accurate(arrays: TokenArrays) -> None:
    slots = np.zeros((3, 7), np.float32)
    slots[0, 3] = 1
    metrics = measure_model(slots, np.zeros(3, np.float32), arrays, predicts_q=False)
    assert metrics.overall.accuracy == 1
    assert metrics.overall.q_gap == 0
    assert metrics.overall.q_mae is None
    assert metrics.overall.value_mae is not None


def test_random_play_is_the_mean_over_legal_plays(arrays: TokenArrays) -> None:
    overall = measure_random_play(arrays).overall
    assert overall.q_gap == pytest.approx((12 / 3 + 2 / 2 + 0) / 3)
    assert overall.accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert overall.blunder_rate == pytest.approx((1 / 3) / 3)
    assert overall.q_mae is None
    assert overall.value_mae is None


def test_parts_have_their_own_means(arrays: TokenArrays) -> None:
    metrics = measure_random_play(arrays)
    assert {left: part.samples for left, part in metrics.by_plays_left.items()} == {8: 2, 12: 1}
    assert metrics.by_plays_left[8].q_gap == pytest.approx(0.5)
    assert metrics.by_declaration[1].q_gap == pytest.approx(4)


def test_intervals_are_over_deals_not_states() -> None:
    rng = np.random.default_rng(0)
    luck = rng.integers(0, 20, size=40)
    few = _arrays([[0, -int(x)] for x in luck], plays_left=[8] * 40, seed=list(range(40)))
    many = _arrays(
        [[0, -int(x)] for x in luck for _ in range(50)], plays_left=[8] * 2000, seed=list(np.repeat(range(40), 50))
    )
    once, repeated = measure_random_play(few), measure_random_play(many)
    assert once.deals == repeated.deals == 40
    assert once.intervals["q_gap"] == pytest.approx(repeated.intervals["q_gap"])
    low, high = once.intervals["q_gap"]
    standard_error = np.std(luck / 2, ddof=1) / np.sqrt(40)
    assert high - low == pytest.approx(2 * 1.96 * standard_error)
    assert "q_mae" not in once.intervals


def test_one_deal_has_no_interval(arrays: TokenArrays) -> None:
    one = _arrays([[4, 2], [3, 1]], plays_left=[8, 8], seed=[7, 7])
    assert measure_random_play(one).intervals == {}
