import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from states import ILLEGAL, Oracle, arrays_of

from forge_core.errors import InputError
from forge_core.learn.metrics import (
    Metrics,
    difference,
    highest_rank_play,
    highest_slot,
    measure_model,
    measure_random_play,
    random_play,
)
from forge_core.rules import led_suit, rank
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.decode import decode


@pytest.fixture
def arrays() -> TokenArrays:
    return arrays_of([[4, -8, ILLEGAL, 4], [10, 8], [-2]], plays_left=[12, 8, 8], seed=[1, 2, 2])


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
    few = arrays_of([[0, -int(x)] for x in luck], plays_left=[8] * 40, seed=list(range(40)))
    many = arrays_of(
        [[0, -int(x)] for x in luck for _ in range(50)], plays_left=[8] * 2000, seed=list(np.repeat(range(40), 50))
    )
    once, repeated = measure_random_play(few), measure_random_play(many)
    assert once.deals == repeated.deals == 40
    assert once.intervals["q_gap"] == pytest.approx(repeated.intervals["q_gap"])
    low, high = once.intervals["q_gap"]
    standard_error = np.std(luck / 2, ddof=1) / np.sqrt(40)
    assert high - low == pytest.approx(2 * 1.96 * standard_error)
    assert "q_mae" not in once.intervals


def test_one_deal_has_no_interval() -> None:
    one = arrays_of([[4, 2], [3, 1]], plays_left=[8, 8], seed=[7, 7])
    assert measure_random_play(one).intervals == {}


def test_a_single_label_calls_one_of_the_best_plays_right() -> None:
    tied = arrays_of([[4, 4, 0], [7, 7, 7], [1, 5], [3]], plays_left=[12, 8, 8, 1], seed=[1, 1, 2, 3])
    slots = np.zeros((4, 7), np.float32)
    slots[0, 1], slots[1, 0], slots[2, 1] = 1, 1, 1
    ties = measure_model(slots, np.zeros(4, np.float32), tied, predicts_q=True).ties
    assert ties.label_accuracy == pytest.approx(3 / 4)  # the first state's label is slot 0
    assert ties.label_ceiling == pytest.approx((1 / 2 + 1 / 3 + 1 + 1) / 4)
    assert ties.chosen == pytest.approx((1 / 2, 1 / 2, 0, 0, 0, 0, 0))
    third = (1 / 2 + 1 / 3) / 2
    assert ties.expected == pytest.approx((third, third, (1 / 3) / 2, 0, 0, 0, 0))


def test_random_play_among_the_best_has_no_favourite_slot() -> None:
    tied = arrays_of([[4, 4, 0, 4], [7, 7], [1, 5]], plays_left=[12, 8, 8], seed=[1, 1, 2])
    ties = measure_random_play(tied).ties
    assert ties.chosen == pytest.approx(ties.expected)
    assert sum(ties.chosen) == pytest.approx(1)


def test_without_ties_no_slot_is_chosen_among_them() -> None:
    ties = measure_random_play(arrays_of([[4, 2], [3, 1]], plays_left=[8, 8], seed=[7, 7])).ties
    assert ties.chosen == ties.expected == (0.0,) * 7
    assert ties.label_ceiling == 1


some_states = st.lists(
    st.tuples(
        st.lists(st.integers(-42, 42), min_size=1, max_size=7), st.integers(1, 28), st.sampled_from([3, 5, 13, 21])
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: arrays_of(*(list(column) for column in zip(*rows, strict=True))))


def _of_oracle(arrays: TokenArrays) -> Metrics:
    slots, value = Oracle(arrays)(arrays.tokens, arrays.mask)
    return measure_model(slots, value, arrays, predicts_q=True)


@settings(max_examples=25)
@given(some_states)
def test_who_knows_everything_regrets_nothing(arrays: TokenArrays) -> None:
    metrics = _of_oracle(arrays)
    found = metrics.overall
    assert (found.q_gap, found.blunder_rate, found.q_mae, found.value_mae) == (0, 0, 0, 0)
    assert found.accuracy == metrics.ties.label_accuracy == 1  # the first of the highest answers is the label


@settings(max_examples=25)
@given(some_states)
def test_parts_make_up_the_whole_and_intervals_hold_their_means(arrays: TokenArrays) -> None:
    metrics = measure_random_play(arrays)
    for parts, intervals in (
        (metrics.by_plays_left, metrics.intervals_by_plays_left),
        (metrics.by_declaration, metrics.intervals_by_declaration),
    ):
        assert sum(part.samples for part in parts.values()) == metrics.overall.samples == len(arrays)
        total = sum(part.samples * part.q_gap for part in parts.values())
        assert total / len(arrays) == pytest.approx(metrics.overall.q_gap)
        for number, part in parts.items():
            for name, (low, high) in intervals[number].items():
                if name in type(part).model_fields:
                    assert low <= getattr(part, name) <= high
    assert bool(metrics.intervals) == (metrics.deals > 1)
    assert sum(metrics.by_deal.regret) == pytest.approx(metrics.overall.q_gap * len(arrays))
    assert sum(metrics.by_deal.states) == len(arrays)


@settings(max_examples=25)
@given(some_states)
def test_a_player_is_no_better_than_itself(arrays: TokenArrays) -> None:
    sums = measure_random_play(arrays).by_deal
    found = difference(sums, sums)
    assert found.mean == 0
    assert found.low <= 0 <= found.high
    better = difference(_of_oracle(arrays).by_deal, sums)
    assert better.mean == pytest.approx(-measure_random_play(arrays).overall.q_gap)


def test_what_two_players_share_does_not_widen_their_difference() -> None:
    rng = np.random.default_rng(1)
    hard = rng.integers(0, 30, size=60)
    states = arrays_of([[0, -int(x), -int(x) - 2] for x in hard], plays_left=[8] * 60, seed=list(range(60)))
    second, third = np.eye(7)[[1] * 60], np.eye(7)[[2] * 60]
    nothing = np.zeros(60)
    one = measure_model(second, nothing, states, predicts_q=False)
    other = measure_model(third, nothing, states, predicts_q=False)
    found = difference(one.by_deal, other.by_deal)
    assert (found.mean, found.low, found.high) == pytest.approx((-2, -2, -2))
    assert one.intervals["q_gap"][1] > other.intervals["q_gap"][0]  # alone, they could not be told apart


def test_players_on_different_states_are_not_compared() -> None:
    one = measure_random_play(arrays_of([[4, 2], [3, 1]], plays_left=[8, 8], seed=[7, 8])).by_deal
    other = measure_random_play(arrays_of([[4, 2], [3, 1]], plays_left=[8, 8], seed=[7, 9])).by_deal
    with pytest.raises(InputError, match="different states"):
        difference(one, other)


def test_the_highest_rank_is_that_of_the_rules(val_arrays: TokenArrays) -> None:
    choice = highest_rank_play(val_arrays)
    tied = 0
    for i in range(0, len(val_arrays), 5):
        position = decode(val_arrays.tokens[i], val_arrays.mask[i])
        hand, declaration = position.deal.hands[0], position.declaration
        led = None
        if position.trick:
            led = led_suit(position.deal.hands[position.leader][position.trick[0]], declaration)
        legal = np.flatnonzero(val_arrays.legal[i])
        ranks = {
            slot: rank(hand[slot], led_suit(hand[slot], declaration) if led is None else led, declaration)
            for slot in legal
        }
        highest = [slot for slot in legal if ranks[slot] == max(ranks.values())]
        tied += len(highest) > 1
        assert np.flatnonzero(choice[i]).tolist() == highest
        assert choice[i].sum() == pytest.approx(1)
    assert tied  # doubles of different suits, or dominoes thrown away


def test_choices_are_distributions_over_legal_slots(val_arrays: TokenArrays) -> None:
    answers = np.random.default_rng(0).normal(size=(len(val_arrays), 7))
    for choice in (random_play(val_arrays), highest_rank_play(val_arrays), highest_slot(answers, val_arrays)):
        assert np.all(choice[~val_arrays.legal] == 0)
        np.testing.assert_allclose(choice.sum(axis=1), 1)


def test_a_model_plays_its_highest_legal_slot(val_arrays: TokenArrays) -> None:
    choice = highest_slot(np.tile(np.arange(7.0), (len(val_arrays), 1)), val_arrays)
    highest_legal = 6 - val_arrays.legal[:, ::-1].argmax(axis=1)
    assert np.array_equal(choice.argmax(axis=1), highest_legal)
