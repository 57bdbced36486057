"""The fast hand against the rules, play by play."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge_core.environments.hand_play import HandPlay, check_bid, members
from forge_core.environments.observation import observe
from forge_core.errors import InputError
from forge_core.rules import deal_from_seed, opening


@given(st.integers(0, 10_000), st.integers(0, 9), st.randoms(use_true_random=False))
def test_it_plays_by_the_rules(seed: int, declaration: int, chance: random.Random) -> None:
    deal = deal_from_seed(seed)
    position, hand = opening(deal, declaration), HandPlay(deal, declaration)
    while not hand.is_over:
        slots = position.legal_slots()
        assert hand.mover == position.mover
        assert members(hand.legal_mask()) == tuple(position.domino(position.mover, slot) for slot in slots)
        slot = chance.choice(slots)
        hand.play(position.domino(position.mover, slot))
        position = position.play(slot)
        assert tuple(hand.won) == position.won
        assert hand.leader == position.leader
    assert sum(hand.won) == 42


def test_an_illegal_play_and_bid_are_refused() -> None:
    hand = HandPlay(deal_from_seed(0), 6)
    with pytest.raises(InputError, match="by seat 0"):
        hand.play(2)
    with pytest.raises(InputError, match="domino 28"):
        hand.play(28)
    with pytest.raises(InputError, match="30-42"):
        check_bid(29)


def test_a_seat_sees_nothing_that_is_hidden() -> None:
    """The others' hands change, what seat 0 sees does not."""
    deal = deal_from_seed(0)
    swapped = type(deal)((deal.hands[0], deal.hands[2], deal.hands[1], deal.hands[3]))
    one, other = HandPlay(deal, 6), HandPlay(swapped, 6)
    assert np.array_equal(observe(one, 0), observe(other, 0))
    for hand in (one, other):
        hand.play(deal.hands[0][3])
    assert np.array_equal(observe(one, 0), observe(other, 0))
    assert not np.array_equal(observe(one, 1), observe(other, 1))
