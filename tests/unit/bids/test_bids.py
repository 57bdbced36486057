"""Histograms, open hands, playouts, matrices: exactness, properties, failure paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forge_core.bids.histogram import histogram, mean_points, p_make
from forge_core.bids.matrix import BidMatrix, Method, bid_matrix
from forge_core.bids.open_hands import Bidders, draw_worlds, open_histograms, open_points
from forge_core.bids.playouts import play_deals, play_histograms
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.expected_q.advise import advise
from forge_core.expected_q.estimate import final_points
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings
from forge_core.players.registry import make_player
from forge_core.players.trumps import best_pip
from forge_core.rules import BIDS, Auction, Bid, deal_from_seed, is_double, parse_hand, pips
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_opening_values, search_q
from forge_core.solver.state import OPENING

EXACT = ExactOracle(search_q, SOLVER_VERSION)
HANDS = [deal_from_seed(seed).hands[seed % 4] for seed in range(6)]


@given(st.lists(st.integers(0, 42), min_size=1, max_size=60))
def test_a_histogram_holds_every_sample_and_p_make_falls_with_the_bid(points: list[int]) -> None:
    counts = histogram(np.array(points))
    chances = [p_make(counts, bid).p for bid in BIDS]
    assert counts.sum() == len(points)
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] == chances[-2] == points.count(42) / len(points)  # two marks promise 42 points
    assert chances[0] == sum(p >= 30 for p in points) / len(points)
    assert mean_points(counts) == pytest.approx(np.mean(points))


@pytest.mark.parametrize("points", [[43], [-1], [3, 84]])
def test_points_that_cannot_be(points: list[int]) -> None:
    with pytest.raises(InputError, match="0 to 42"):
        histogram(np.array(points))


def test_no_sample_is_no_chance() -> None:
    with pytest.raises(InputError, match="Got 0 samples"):
        p_make(histogram(np.array([], int)), BIDS[0])


@pytest.mark.parametrize("declaration", range(10))
def test_opening_values_are_the_best_of_the_seven_plays(declaration: int) -> None:
    deals = np.array([deal_from_seed(seed).dominoes for seed in range(40)], np.uint8)
    declarations = np.full(40, declaration, np.uint8)
    q = search_q(deals, declarations, np.full(40, OPENING))
    assert (search_opening_values(deals, declarations) == q.max(axis=1)).all()
    assert (search_opening_values(deals, declarations, threads=1) == q.max(axis=1)).all()


def test_one_declaration_for_each_deal() -> None:
    with pytest.raises(InputError, match="one declaration for each deal"):
        search_opening_values(np.zeros((2, 28), np.uint8), np.zeros(3, np.uint8))


@pytest.mark.parametrize("hand", HANDS)
def test_open_hands_are_the_exact_values_of_common_worlds(hand: tuple[int, ...]) -> None:
    deals = draw_worlds(hand, 30, seed=4)
    assert (deals[:, :7] == hand).all()
    points = open_points(deals, [3, 9])
    assert (points[1] == open_points(deals, [9])[0]).all()  # a declaration does not depend on its neighbours
    counts = open_histograms(hand, [3, 9], 30, seed=4)
    assert (counts.sum(axis=1) == 30).all()
    assert (counts[0] == histogram(points[0])).all()


def test_agrees_with_advice_on_the_opening_lead() -> None:
    """The same worlds: P(make) of a lead is at most the matrix's, whose leader knows the world before it leads."""
    hand, declaration, bid, n = HANDS[2], 6, Bid(30), 60
    chance = p_make(open_histograms(hand, [declaration], n, seed=7)[0], bid)
    info = InformationSet.of(Record.of(declaration, 0, ()), 0, hand)
    advice = advise(info, EXACT, EqSettings(n_worlds=n, bid=30), seed=7)
    deals = draw_worlds(hand, n, seed=7)
    q = EXACT.q(deals, np.full(n, declaration, np.uint8), np.full(n, OPENING))
    makes = final_points(q, info.record, 0) >= 30
    assert chance.p == makes.any(axis=1).mean()
    for play in advice.plays:
        assert play.p_make == pytest.approx(makes[:, hand.index(play.domino)].mean())
        assert play.p_make is not None
        assert play.p_make <= chance.p + 1e-12


def test_bids_of_others_change_the_worlds_only_if_asked_to() -> None:
    """The left and the partner have bid: the worlds that are kept are those of the same draw that fit."""
    auction = Auction(2, (Bid(30), None, Bid(31)))  # seats 3, 0 and 1; 2 is to call
    assert Bidders.of(auction, 2) == Bidders((1, 3), 2)
    bidders = Bidders((1, 2), 2)
    deals, every = draw_worlds(HANDS[1], 400, seed=5, bidders=bidders), draw_worlds(HANDS[1], 400, seed=5)
    hands = every.reshape(-1, 4, 7).tolist()
    offs = np.array([[7 - _trumps_and_doubles(hand) for hand in four] for four in hands])
    fit = (offs[:, 1:3] <= 2).all(axis=1)
    assert 0 < fit.sum() < 200
    assert (deals[: fit.sum()] == every[fit]).all()
    assert len(deals) == 400
    assert all(_trumps_and_doubles(hand) >= 5 for four in deals.reshape(-1, 4, 7).tolist() for hand in four[1:3])
    matrices = [bid_matrix(HANDS[1], [2], SMALL, TWO_WORLDS, seed=5, bidders=each) for each in (None, bidders)]
    assert [matrix.as_json()["bidders"] for matrix in matrices] == [None, {"seats": (1, 2), "offs": 2}]
    for method in Method:
        assert (matrices[0].counts[method] != matrices[1].counts[method]).any()


def _trumps_and_doubles(hand: list[int]) -> int:
    trump = best_pip(hand)
    return sum(trump in pips(domino) or is_double(domino) for domino in hand)


@pytest.mark.parametrize("calls", [(), (None, None)])
def test_nothing_is_assumed_about_seats_that_passed(calls: tuple[None, ...]) -> None:
    with pytest.raises(InputError, match="a bid of another seat"):
        Bidders.of(Auction(0, calls), 2)


def test_bidders_that_cannot_be() -> None:
    with pytest.raises(InputError, match="0 to 6"):
        Bidders.of(Auction(0, (Bid(30),)), 7)
    doubles = parse_hand("6-6,5-5,4-4,3-3,2-2,1-1,0-0")  # six of a pip are left: everybody has an off
    with pytest.raises(InputError, match="of 20,001 worlds"):
        draw_worlds(doubles, 1, seed=0, bidders=Bidders((1, 2), 0))


SMALL = BidSettings(samples=20, playouts=3)
TWO_WORLDS = make_player(SMALL.seat_model)


def test_playouts_are_legal_whole_and_independent_of_other_declarations() -> None:
    deals = draw_worlds(HANDS[1], 3, seed=0)
    declarations = np.array([2, 2, 2, 8, 8, 8], np.uint8)
    played = play_deals(np.tile(deals, (2, 1)), declarations, SMALL, TWO_WORLDS)
    assert (played.points.sum(axis=1) == 42).all()
    assert (np.sort(played.plays, axis=1) == np.arange(28)).all()
    for row, (plays, players) in enumerate(zip(played.plays, played.players, strict=True)):
        assert [sorted(plays[players == seat]) for seat in range(4)] == deals[row % 3].reshape(4, 7).tolist()
    alone = play_deals(deals, declarations[3:], SMALL, TWO_WORLDS)
    assert (alone.plays == played.plays[3:]).all()
    other = play_deals(deals, declarations[3:], SMALL, TWO_WORLDS, seed=1)
    assert (alone.plays != other.plays).any()


def test_a_player_that_looks_is_refused() -> None:
    with pytest.raises(InputError, match="which sees all hands"):
        play_histograms(HANDS[0], [1], SMALL, make_player("cheat"))


def test_a_matrix_has_both_methods_and_says_the_same_again() -> None:
    matrix = bid_matrix(HANDS[0], [1, 7], SMALL, TWO_WORLDS, seed=3)
    again = bid_matrix(HANDS[0], [1, 7], SMALL, TWO_WORLDS, seed=3)
    assert matrix.as_json() == again.as_json()
    assert matrix.price is Method.PLAY
    assert matrix.counts[Method.OPEN].sum(axis=1).tolist() == [20, 20]
    assert matrix.counts[Method.PLAY].sum(axis=1).tolist() == [3, 3]
    assert bid_matrix(HANDS[0], [1], BidSettings(samples=2, playouts=0), TWO_WORLDS).price is Method.OPEN


def test_the_best_declaration_has_the_highest_chance() -> None:
    counts = np.zeros((2, 43), np.int64)
    counts[0, [31, 42]] = 9, 1
    counts[1, [20, 42]] = 5, 5
    matrix = BidMatrix(HANDS[0], (4, 6), {Method.OPEN: counts}, BidSettings(playouts=0), 0)
    assert [matrix.best(Method.OPEN, bid) for bid in BIDS] == [4, 4, *[6] * 12]


def test_a_hand_of_six_and_no_declaration() -> None:
    with pytest.raises(InputError, match="a hand of 6 dominoes"):
        bid_matrix(HANDS[0][:6], [0], SMALL, TWO_WORLDS)
    with pytest.raises(InputError, match="no declaration"):
        bid_matrix(HANDS[0], [], SMALL, TWO_WORLDS)


def test_open_hands_are_an_upper_bound_of_playouts() -> None:
    """Over many hands together, best-suited declaration each: the players of a playout have to guess."""
    hands = [deal_from_seed(seed).hands[0] for seed in range(30)]
    opened = np.sum([open_histograms(hand, [s % 10], 4, seed=s)[0] for s, hand in enumerate(hands)], axis=0)
    chosen = BidSettings(playouts=4)
    played = np.sum(
        [play_histograms(hand, [s % 10], chosen, TWO_WORLDS, seed=s)[0] for s, hand in enumerate(hands)], axis=0
    )
    assert p_make(opened, Bid(30)).p >= p_make(played, Bid(30)).p
    assert mean_points(opened) > mean_points(played)


@pytest.mark.slow
def test_open_hands_are_an_upper_bound_over_a_thousand_hands() -> None:
    """Three worlds a hand, best-pip trump, the same for both: for every bid, and for strong and weak hands alike."""
    hands = [deal_from_seed(seed).hands[0] for seed in range(1000)]
    trumps = [best_pip(list(hand)) for hand in hands]
    deals = np.concatenate([draw_worlds(hand, 3, seed=seed) for seed, hand in enumerate(hands)])
    declarations = np.repeat(np.array(trumps, np.uint8), 3)
    opened = (42 + search_opening_values(deals, declarations).astype(int)) // 2
    played = play_deals(deals, declarations, SMALL, TWO_WORLDS).points[:, 0].astype(int)
    held = np.repeat([sum(trump in pips(each) for each in hand) for hand, trump in zip(hands, trumps, strict=True)], 3)
    for rows in (held <= 3, held >= 4, held > 0):
        for bid in BIDS:
            gap = (opened[rows] >= bid.points).astype(float) - (played[rows] >= bid.points)
            assert gap.mean() > -3 * gap.std() / np.sqrt(len(gap)), (bid, gap.mean())
    assert (opened >= 30).mean() - (played >= 30).mean() > 0.1


@settings(max_examples=5, deadline=None)
@given(st.permutations(list(range(28))))
def test_the_same_deals_whatever_the_order_of_the_hand(dominoes: list[int]) -> None:
    hand = dominoes[:7]
    assert (draw_worlds(hand, 3, seed=1) == draw_worlds(sorted(hand), 3, seed=1)).all()


def test_a_hand_of_seven_trumps_makes_everything() -> None:
    hand = parse_hand("6-6,6-5,6-4,6-3,6-2,6-1,6-0")
    matrix = bid_matrix(hand, [6], SMALL, TWO_WORLDS)
    assert all(matrix.chance(method, 6, bid).p == 1 for method in Method for bid in BIDS)
