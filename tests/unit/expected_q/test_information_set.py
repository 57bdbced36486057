import pytest

from forge_core.errors import InputError, RecordError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.rules import Declaration, parse_dominoes


def ask(seat: int, hand: str, plays: str = "", declaration: Declaration = Declaration.SIXES) -> InformationSet:
    return InformationSet.of(Record.of(declaration, 0, parse_dominoes(plays)), seat, parse_dominoes(hand))


def test_it_agrees_with_the_open_position(late_position):
    for seed in range(20):
        info, position = late_position(seed, 4 + seed)
        assert info.seat == position.mover
        assert info.original_hand == position.deal.hands[info.seat]
        assert info.legal_slots() == position.legal_slots()
        held = [
            position.domino(seat, slot) for seat in info.others for slot in range(7) if position.held[seat] >> slot & 1
        ]
        assert info.unseen == tuple(sorted(held))
        assert info.needs() == tuple(position.held[seat].bit_count() for seat in info.others)


def test_before_gives_back_the_hand_of_that_time(late_position):
    info, _ = late_position(5, 6)
    assert info.before(0).hand == info.original_hand
    assert info.before(len(info.record.plays)) == info


@pytest.mark.parametrize(
    ("seat", "hand", "plays", "message"),
    [
        (0, "6-6,6-5,6-4,6-3,6-2,6-1", "", "hand of 6"),
        (0, "6-6,6-6,6-4,6-3,6-2,6-1,0-0", "", "different dominoes"),
        (4, "6-6,6-5,6-4,6-3,6-2,6-1,0-0", "", "seat 4"),
        (2, "6-6,6-5,6-4,6-3,6-2,6-1,0-0", "5-5,5-4,5-3", "hand of 7 .* after 1 plays"),
    ],
)
def test_a_hand_that_cannot_be_meant(seat: int, hand: str, plays: str, message: str):
    with pytest.raises(InputError, match=message):
        ask(seat, hand, plays)


def test_a_play_of_a_domino_still_held():
    with pytest.raises(RecordError, match="play 1, 6-6 by seat 0, which seat 1 still holds"):
        ask(1, "6-6,6-5,6-4,6-3,6-2,6-1,0-0", "6-6")


def test_another_seats_turn():
    with pytest.raises(RecordError, match=r"question of seat 2 after 1 plays.*seat 1 to play"):
        ask(2, "6-6,6-5,6-4,6-3,6-2,6-1,0-0", "5-5")


def test_an_own_play_that_did_not_follow():
    with pytest.raises(RecordError, match=r"play 2, 0-0 by seat 1, to a lead of 5-4.* one of 5-5"):
        ask(1, "5-5,4-4,4-3,4-2,4-1,4-0", "5-4,0-0,5-3,5-2,3-3", declaration=Declaration.SIXES)
