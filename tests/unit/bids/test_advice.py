"""What to call."""

import numpy as np
import pytest

from forge_core.bids.advice import Stakes, advise_call, game_chance
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.rules import BIDS, AllPass, Auction, Bid, deal_from_seed


def matrix(*points: int) -> BidMatrix:
    """A hand whose final points under sixes are these."""
    counts = np.bincount(points, minlength=43)[None]
    return BidMatrix(deal_from_seed(0).hands[0], (6,), {Method.PLAY: counts}, BidSettings(), 0)


FIRST = Auction(3)


def test_a_bid_is_as_low_as_wins_and_goes_as_high_as_it_pays() -> None:
    advice = advise_call(matrix(*[36] * 8, *[20] * 2), FIRST, Stakes())
    assert advice.call is not None
    assert advice.highest is not None
    assert (advice.call.bid, advice.highest.bid) == (Bid(30), Bid(36))
    assert advice.call.value == pytest.approx(0.6)
    assert advice.passing == 0


def test_a_lay_down_hand_bids_two_marks() -> None:
    advice = advise_call(matrix(42, 42), FIRST, Stakes())
    assert advice.call is not None
    assert (advice.call.bid, advice.call.value) == (BIDS[-1], 2)


def test_a_bad_hand_passes_and_a_forced_dealer_bids_30() -> None:
    bad = matrix(*[20] * 9, 42)
    assert advise_call(bad, FIRST, Stakes()).call is None
    forced = advise_call(bad, Auction(0, (None, None, None)), Stakes())
    assert forced.forced
    assert forced.call is not None
    assert (forced.call.bid, forced.highest) == (Bid(30), None)
    assert advise_call(bad, Auction(0, (None, None, None), AllPass.RESHAKE), Stakes()).call is None


def test_only_bids_above_those_made() -> None:
    good = matrix(*[36] * 8, *[20] * 2)
    advice = advise_call(good, Auction(3, (Bid(35),)), Stakes())
    assert advice.call is not None
    assert advice.call.bid == Bid(36)
    assert advise_call(good, Auction(3, (Bid(36),)), Stakes()).call is None
    assert advise_call(good, Auction(3, (BIDS[-1],)), Stakes()).candidates == ()


def test_the_assumption_about_the_others_counts() -> None:
    even = matrix(*[30] * 4, *[20] * 6)  # made in 40 %: worth -0.2
    assert advise_call(even, FIRST, Stakes(others_make=0.5)).call is None
    bold = advise_call(even, FIRST, Stakes(others_make=0.7))
    assert bold.passing == pytest.approx(-0.4)
    assert bold.call is not None
    partner_has_it = Auction(3, (Bid(30), None))  # seat 2 is to call, seat 0 has bid
    assert advise_call(even, partner_has_it, Stakes(others_make=0.7)).passing == pytest.approx(0.4)


def test_chances_of_a_game() -> None:
    assert game_chance(7, 3) == 1
    assert game_chance(3, 7) == 0
    assert game_chance(6, 6) == 0.5
    assert game_chance(6, 5) == 0.75
    assert all(game_chance(a, b) + game_chance(b, a) == 1 for a in range(7) for b in range(7))


def test_one_mark_is_enough_at_six() -> None:
    advice = advise_call(matrix(*[42] * 6, *[36] * 3, 20), FIRST, Stakes(score=(6, 3)))
    assert advice.call is not None
    assert advice.call.bid == Bid(30)  # two marks win no more than one, and are made less often
    behind = advise_call(matrix(*[42] * 6, *[36] * 3, 20), FIRST, Stakes(score=(5, 6)))
    assert behind.call is not None
    assert behind.call.bid == BIDS[-1]  # two marks win the game at once


@pytest.mark.parametrize("score", [(7, 0), (0, 8), (-1, 3)])
def test_a_score_that_cannot_be(score: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="Got the score"):
        Stakes(score)


def test_a_chance_that_cannot_be() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        Stakes(others_make=1.5)


def test_an_auction_that_is_over() -> None:
    with pytest.raises(InputError, match="at most three"):
        advise_call(matrix(42), Auction(0, (None, None, None, Bid(30))), Stakes())
