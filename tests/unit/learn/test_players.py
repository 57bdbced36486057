"""Simple players against the rules' own words."""

import numpy as np
import pytest

from forge_core.learn.metrics import highest_rank_play, highest_slot, random_play
from forge_core.rules import led_suit, rank
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.decode import decode


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
