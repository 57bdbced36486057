import numpy as np
import pytest
from scipy import stats

from forge_core.errors import InputError, RecordError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.expected_q.states import hands_before, states_before
from forge_core.expected_q.streams import Purpose, stream
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import Deal, Declaration, deal_from_seed, opening, parse_dominoes
from forge_core.solver import state


def first_leader() -> InformationSet:
    return InformationSet.of(Record.of(0, 0, ()), 0, deal_from_seed(0).hands[0])


def test_the_first_leader_faces_399_million_worlds():
    assert Worlds.of(first_leader()).count == 399_072_960


@pytest.mark.parametrize("seed", range(12))
def test_count_and_enumeration_are_those_of_brute_force(seed: int, late_position, brute_force):
    info, position = late_position(seed, 5 + seed % 8)
    expected = [deal.dominoes for deal in brute_force(info)]
    worlds = Worlds.of(info)
    found = worlds.enumerate(100_000)
    assert worlds.count == len(expected) == len(found)
    assert {tuple(row) for row in found.tolist()} == set(expected)
    assert position.deal.dominoes in expected
    np.testing.assert_array_equal(found, worlds.enumerate(100_000))


def test_drawn_worlds_could_have_produced_the_record(late_position):
    for seed in range(10):
        info, _ = late_position(seed, 18)
        for row in Worlds.of(info).draw(20, np.random.default_rng(seed)):
            position = opening(Deal.of(row.tolist()), info.record.declaration)
            for domino in info.record.plays:
                position = position.play(position.deal.hands[position.mover].index(domino))
            assert position.deal.hands[info.seat] == info.original_hand
            assert position.won == info.record.won


def test_plays_only_ever_rule_worlds_out(late_position):
    for seed in range(20):
        info, _ = late_position(seed, 1 + seed % 12)
        counts = [Worlds.counted(info.before(n_plays)).count for n_plays in range(len(info.record.plays) + 1)]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] == 399_072_960
        assert counts[-1] >= 1


def with_voids(late_position) -> list[InformationSet]:
    infos = (late_position(seed, 10)[0] for seed in range(200))
    return [info for info in infos if sum(map(bool, info.record.voids)) >= 2 and 20 < Worlds.of(info).count < 400][:4]


def test_the_sample_is_uniform_where_there_are_voids(late_position):
    infos = with_voids(late_position)
    assert len(infos) == 4
    for number, info in enumerate(infos):
        worlds = Worlds.of(info)
        rows = worlds.draw(100 * worlds.count, stream(number, Purpose.WORLDS, 0))
        _, frequencies = np.unique(rows, axis=0, return_counts=True)
        assert len(frequencies) == worlds.count
        assert stats.chisquare(frequencies).pvalue > 1e-3


def test_the_opening_sample_is_uniform_over_holders():
    rows = Worlds.of(first_leader()).draw(200_000, stream(1, Purpose.WORLDS, 0))
    for domino in first_leader().unseen:
        holders = np.argmax(rows == domino, axis=1) // 7
        assert stats.chisquare(np.bincount(holders, minlength=4)[1:]).pvalue > 1e-5


def test_a_sample_depends_on_its_key_alone():
    worlds = Worlds.of(first_leader())
    drawn = [worlds.draw(100, stream(seed, Purpose.WORLDS, 0)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


def test_too_many_worlds_to_enumerate():
    with pytest.raises(InputError, match="399,072,960 worlds"):
        Worlds.of(first_leader()).enumerate(20_000)


def test_a_record_that_leaves_no_world_names_the_play():
    # Seats 1, 2 and 3 all fail to follow fives, and seat 0 does not hold 5-1: nobody is left to hold it.
    record = Record.of(Declaration.SIXES, 0, parse_dominoes("5-5,4-4,4-3,4-2"))
    hand = parse_dominoes("5-4,5-3,5-2,5-0,3-3,3-2")
    with pytest.raises(RecordError, match="play 4, 4-2 by seat 3"):
        Worlds.of(InformationSet.of(record, 0, hand))


def test_states_are_those_of_the_rules_at_every_play(late_position):
    info, _ = late_position(7, 9)
    deals = Worlds.of(info).draw(30, np.random.default_rng(0))
    for row in range(len(deals)):
        position = opening(Deal.of(deals[row].tolist()), info.record.declaration)
        for n_plays, domino in enumerate(info.record.plays):
            seat = position.mover
            assert states_before(deals[row : row + 1], info.record, n_plays)[0] == state.pack(position)
            hand, legal = hands_before(deals[row : row + 1], info.record, n_plays, seat)
            assert tuple(hand[0].tolist()) == position.deal.hands[seat]
            assert tuple(np.flatnonzero(legal[0]).tolist()) == position.legal_slots()
            position = position.play(position.deal.hands[seat].index(domino))
        assert states_before(deals[row : row + 1], info.record)[0] == state.pack(position)
