"""The rules: suits, ranks and tricks by example, whole games by property."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge_core.errors import InputError
from forge_core.rules import (
    CALLED_SUIT,
    DOMINOES,
    HAND_POINTS,
    SEATS,
    Deal,
    Declaration,
    Position,
    count_points,
    deal_from_seed,
    deal_with_fixed_hand,
    domino_id,
    follows,
    is_called,
    is_double,
    led_suit,
    opening,
    parse_domino,
    parse_hand,
    pips,
    rank,
    team,
    trick_points,
    trick_winner,
)

D = parse_domino
declarations = st.sampled_from(Declaration)
seeds = st.integers(0, 2**31)


def played_out(position: Position, rng: random.Random) -> list[Position]:
    path = [position]
    while path[-1].plays_left:
        path.append(path[-1].play(rng.choice(path[-1].legal_slots())))
    return path


def test_a_domino_is_its_id() -> None:
    assert domino_id(0, 0) == 0
    assert domino_id(6, 6) == 27
    assert [domino_id(*pips(d)) for d in DOMINOES] == list(DOMINOES)
    assert sum(count_points(d) for d in DOMINOES) == 35
    assert {pips(d): count_points(d) for d in DOMINOES if count_points(d)} == {
        (5, 5): 10,
        (6, 4): 10,
        (5, 0): 5,
        (4, 1): 5,
        (3, 2): 5,
    }


def test_trumps_leave_their_other_suit() -> None:
    assert led_suit(D("6-2"), Declaration.TWOS) == CALLED_SUIT
    assert not follows(D("6-2"), 6, Declaration.TWOS)
    assert follows(D("6-2"), CALLED_SUIT, Declaration.TWOS)
    assert led_suit(D("6-3"), Declaration.TWOS) == 6


@pytest.mark.parametrize(
    ("declaration", "table", "winner"),
    [
        (Declaration.SIXES, "5-5,5-4,6-0,5-3", 2),  # the smallest trump beats the double
        (Declaration.SIXES, "6-0,6-4,6-6,6-5", 2),  # the double is the highest trump
        (Declaration.FOLLOW_ME, "4-1,4-4,6-6,5-4", 1),  # the double of the led suit
        (Declaration.FOLLOW_ME, "3-0,5-5,6-6,6-5", 0),  # nobody follows
        (Declaration.DOUBLES_TRUMP, "5-4,5-3,0-0,1-1", 3),  # doubles rank by pip
        (Declaration.DOUBLES_SUIT, "5-4,5-3,0-0,6-5", 3),  # a double has no power here, not even in its own pip
        (Declaration.DOUBLES_SUIT, "1-1,6-5,4-4,3-3", 2),
        (Declaration.ONES, "6-5,5-4,6-6,1-0", 3),
    ],
)
def test_who_wins(declaration: Declaration, table: str, winner: int) -> None:
    assert trick_winner([D(name) for name in table.split(",")], declaration) == winner


def test_a_trick_is_worth_one_and_its_counts() -> None:
    assert trick_points([D("5-5"), D("6-4"), D("3-2"), D("0-0")]) == 26


@given(declarations, st.sampled_from(DOMINOES))
def test_a_led_domino_follows_its_own_suit(declaration: Declaration, domino: int) -> None:
    suit = led_suit(domino, declaration)
    assert follows(domino, suit, declaration)
    assert rank(domino, suit, declaration) > 0
    assert (suit == CALLED_SUIT) == is_called(domino, declaration)
    if declaration in (Declaration.DOUBLES_TRUMP, Declaration.DOUBLES_SUIT):
        assert is_called(domino, declaration) == is_double(domino)


@given(declarations, st.integers(0, 7))
def test_no_two_dominoes_tie_for_a_trick(declaration: Declaration, suit: int) -> None:
    ranks = [r for d in DOMINOES if (r := rank(d, suit, declaration)) > 0]
    assert len(ranks) == len(set(ranks))


@given(seeds, declarations, st.integers())
def test_a_game_keeps_the_score_and_the_suit(seed: int, declaration: Declaration, choices: int) -> None:
    path = played_out(opening(deal_from_seed(seed), declaration), random.Random(choices))
    assert len(path) == 29
    assert sum(path[-1].won) == HAND_POINTS
    for before, after in pairwise(path):
        assert before.points_left + sum(before.won) == HAND_POINTS
        assert before.plays_left == after.plays_left + 1
        if before.trick:
            suit = led_suit(before.table()[0], declaration)
            seat = before.mover
            following = {
                slot
                for slot in range(7)
                if before.held[seat] >> slot & 1 and follows(before.domino(seat, slot), suit, declaration)
            }
            assert not following or set(before.legal_slots()) == following
        if not after.trick:
            gained = [after.won[side] - before.won[side] for side in (0, 1)]
            assert gained[team(after.leader)] > 0
            assert gained[1 - team(after.leader)] == 0


@given(seeds)
def test_a_seed_deals_the_public_way(seed: int) -> None:
    shuffled = list(range(28))
    random.Random(seed).shuffle(shuffled)
    assert deal_from_seed(seed).hands == tuple(tuple(sorted(shuffled[i : i + 7])) for i in (0, 7, 14, 21))


@given(seeds, seeds)
def test_a_fixed_hand_stays_with_seat_0(seed: int, opponent_seed: int) -> None:
    hand = deal_from_seed(seed).hands[0]
    deal = deal_with_fixed_hand(hand[::-1], opponent_seed)
    assert deal.hands[0] == hand
    others = [d for d in DOMINOES if d not in hand]
    random.Random(opponent_seed).shuffle(others)
    assert deal.hands[1:] == tuple(tuple(sorted(others[i : i + 7])) for i in (0, 7, 14))


def test_impossible_plays_and_deals_are_refused() -> None:
    start = opening(deal_from_seed(0), Declaration.SIXES)
    with pytest.raises(InputError, match=r"slot 7 for seat 0.*legal slots"):
        start.play(7)
    with pytest.raises(InputError, match="-1"):
        deal_from_seed(-1)
    with pytest.raises(InputError, match="once"):
        Deal(tuple((0, 1, 2, 3, 4, 5, 6) for _ in SEATS))
    with pytest.raises(InputError, match="sorted"):
        Deal(((6, 5, 4, 3, 2, 1, 0), *deal_with_fixed_hand(range(7), 0).hands[1:]))
    with pytest.raises(InputError, match="opponent seed -3"):
        deal_with_fixed_hand(parse_hand("6-6,6-5,6-4,6-2,6-1,6-0,2-2"), -3)
