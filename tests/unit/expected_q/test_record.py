import pytest

from forge_core.errors import InputError, RecordError
from forge_core.expected_q.record import Record
from forge_core.rules import Declaration, deal_from_seed, opening, parse_dominoes


def test_the_record_of_a_game_agrees_with_the_rules():
    position = opening(deal_from_seed(3), 3)
    record = Record.of(3, 0, ())
    while slots := position.legal_slots():
        assert (record.mover, record.leader, record.table) == (position.mover, position.leader, position.table())
        assert record.won == position.won
        assert record.points_left == position.points_left
        record = record.then(position.domino(position.mover, slots[-1]))
        position = position.play(slots[-1])
    assert sum(record.won) == 42


def test_a_seat_that_does_not_follow_is_void():
    record = Record.of(Declaration.FOLLOW_ME, 0, parse_dominoes("6-5,6-1,4-3,6-2"))
    assert record.voids == (0, 0, 1 << 6, 0)
    assert record.barred(2) == sum(1 << domino for domino in parse_dominoes("6-0,6-1,6-2,6-3,6-4,6-5,6-6"))


def test_the_called_suit_is_a_suit_of_its_own():
    record = Record.of(Declaration.SIXES, 0, parse_dominoes("5-3,6-5"))
    assert record.voids[1] == 1 << 5  # a trump does not follow fives, though it shows one
    assert record.led_suit() == 5


def test_another_seat_may_lead_first():
    assert Record.of(0, 2, parse_dominoes("6-6,6-5")).seats == (2, 3)


@pytest.mark.parametrize(
    ("plays", "named"),
    [
        ("6-6,6-5,6-6", "play 3, 6-6 by seat 2"),
        ("6-6,5-4,6-4,6-0,5-5,6-5", "play 6, 6-5 by seat 1"),
    ],
)
def test_a_contradiction_names_the_play(plays: str, named: str):
    with pytest.raises(RecordError, match=named):
        Record.of(Declaration.FOLLOW_ME, 0, parse_dominoes(plays))


def test_there_is_no_29th_play():
    deal = deal_from_seed(0)
    position, plays = opening(deal, 0), []
    while slots := position.legal_slots():
        plays.append(position.domino(position.mover, slots[0]))
        position = position.play(slots[0])
    with pytest.raises(InputError, match="29th"):
        Record.of(0, 0, [*plays, 0])


@pytest.mark.parametrize(("declaration", "leader", "plays"), [(10, 0, ()), (0, 4, ()), (0, 0, (28,)), (0, -1, ())])
def test_what_does_not_exist_is_refused(declaration: int, leader: int, plays: tuple[int, ...]):
    with pytest.raises(InputError, match="out of range"):
        Record.of(declaration, leader, plays)
