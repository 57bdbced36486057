"""The auction and the marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge_core.errors import InputError
from forge_core.rules import BIDS, AllPass, Auction, Bid, marks_won, parse_bid

CALLS = st.lists(st.none() | st.sampled_from(BIDS), min_size=4, max_size=4)


def test_the_bids_are_30_to_42_and_two_marks() -> None:
    assert [str(bid) for bid in BIDS] == [*(str(points) for points in range(30, 43)), "2-marks"]
    assert list(BIDS) == sorted(BIDS)
    assert BIDS[-1].points == 42  # two marks promise every point, not 84


def test_text_both_ways() -> None:
    assert all(parse_bid(str(bid)) == bid for bid in BIDS)
    assert parse_bid("1 mark") == parse_bid("42") == Bid(42)
    assert parse_bid("Two marks") == Bid(42, 2)
    assert parse_bid(" pass") is None


@pytest.mark.parametrize("text", ["29", "43", "84", "3-marks", "-30", "", "thirty", "030000", "3٣"])
def test_what_is_no_bid(text: str) -> None:
    with pytest.raises(InputError, match="Got the bid"):
        parse_bid(text)


@pytest.mark.parametrize(("points", "marks"), [(29, 1), (43, 1), (84, 1), (30, 2), (42, 0), (42, 3)])
def test_what_the_rules_do_not_have(points: int, marks: int) -> None:
    with pytest.raises(InputError, match="Got a bid of"):
        Bid(points, marks)


def test_the_order_of_the_calls() -> None:
    auction = Auction(dealer=2)
    assert auction.caller == 3
    auction = auction.call(Bid(30)).call(None)
    assert (auction.caller, auction.declarer, auction.highest) == (1, 3, Bid(30))
    auction = auction.call(Bid(42)).call(Bid(42, 2))
    assert (auction.is_over, auction.declarer, auction.names()) == (True, 2, "30,pass,42,2-marks")


@pytest.mark.parametrize("bid", [Bid(30), Bid(32)])
def test_a_bid_is_higher_than_those_before_it(bid: Bid) -> None:
    with pytest.raises(InputError, match="Expected a bid from 33 on"):
        Auction(0, (Bid(32),)).call(bid)


def test_nothing_goes_above_two_marks() -> None:
    with pytest.raises(InputError, match="Expected pass"):
        Auction(0, (BIDS[-1],)).call(BIDS[-1])


def test_a_forced_dealer_may_not_pass_and_a_reshake_has_no_declarer() -> None:
    passed = (None, None, None)
    assert Auction(0, passed).is_forced
    with pytest.raises(InputError, match="forced dealer may not pass"):
        Auction(0, passed).call(None)
    assert Auction(0, passed).call(Bid(30)).declarer == 0
    shaken = Auction(0, passed, AllPass.RESHAKE).call(None)
    assert shaken.is_over
    assert shaken.declarer is None


@given(st.integers(0, 3), CALLS)
def test_the_highest_bidder_declares(dealer: int, calls: list[Bid | None]) -> None:
    auction = Auction(dealer, all_pass=AllPass.RESHAKE)
    for bid in calls:
        if bid is not None and bid not in auction.legal_bids():
            with pytest.raises(InputError):
                auction.call(bid)
            bid = None
        auction = auction.call(bid)
    made = [bid for bid in auction.calls if bid is not None]
    assert auction.is_over
    assert made == sorted(set(made))
    assert auction.highest == max(made, default=None)
    assert auction.declarer == (None if not made else (dealer + 1 + auction.calls.index(made[-1])) % 4)


@given(st.sampled_from(BIDS), st.integers(0, 42))
def test_marks_go_to_one_side(bid: Bid, points: int) -> None:
    ours, theirs = marks_won(bid, points)
    assert {ours, theirs} == {0, bid.marks}
    assert (ours > 0) == (points >= bid.points)
