"""Contracts in lockstep against the rules, play by play."""

from typing import Any

import numpy as np
import pytest

from forge_core.errors import InputError, ModelError
from forge_core.expected_q.record import Record
from forge_core.players.contracts import Played, play_out
from forge_core.players.decisions import Decisions
from forge_core.players.registry import Means, make_player
from forge_core.rules import Deal, team
from tests.unit.players.conftest import contracts

FAST = (
    "random",
    "highest",
    "pimc:worlds=3",
    "pimc:worlds=3,objective=points",
    "pimc:worlds=3,posterior=20",
    "cheat",
    "level1:worlds=5",
)


def player(text: str, threads: int = 2) -> Any:
    return make_player(text, Means(threads))


def replayed(played: Played, asked: Any, i: int) -> Record:
    """The plays of a contract through the rules: who is to move, who holds what, what follows suit."""
    deal = Deal.of(asked.deals[i].tolist())
    hands = [set(hand) for hand in deal.hands]
    record = Record.of(int(asked.declarations[i]), int(asked.bidders[i]), ())
    for domino, seat in zip(played.plays[i].tolist(), played.players[i].tolist(), strict=True):
        if domino < 0:
            break
        assert record.mover == seat
        assert domino in hands[seat]
        hands[seat].remove(domino)
        record = record.then(domino)
        assert not any(1 << d & record.barred(seat) for d in hands[seat])
    return record


@pytest.mark.parametrize("text", FAST)
def test_contracts_follow_the_rules(text: str) -> None:
    asked = contracts(12)
    played = play_out(asked, player(text), player("highest"), to_the_end=True)
    for i in range(12):
        record = replayed(played, asked, i)
        assert len(record.plays) == 28
        assert record.won == tuple(played.points[i].tolist())
        assert played.made[i] == (record.won[team(int(asked.bidders[i]))] >= 30)


@pytest.mark.parametrize("bid", [30, 36, 42])
def test_a_contract_ends_when_decided_and_counts_the_same(bid: int) -> None:
    asked = contracts(40, bid=bid)
    short = play_out(asked, player("highest"), player("random"))
    whole = play_out(asked, player("highest"), player("random"), to_the_end=True)
    assert (short.made == whole.made).all()
    ended = (short.plays >= 0).sum(axis=1)
    assert (ended < 28).any()
    for i in range(40):
        assert (short.plays[i, : ended[i]] == whole.plays[i, : ended[i]]).all()
        for cut in range(0, ended[i], 4):  # not a trick later than it was decided
            record = Record.of(int(asked.declarations[i]), int(asked.bidders[i]), short.plays[i, :cut].tolist())
            mine = record.won[team(int(asked.bidders[i]))]
            assert mine < bid
            assert record.won[1 - team(int(asked.bidders[i]))] <= 42 - bid


@pytest.mark.parametrize("text", FAST)
def test_a_contract_comes_out_the_same_alone_among_others_and_on_one_thread(text: str) -> None:
    asked = contracts(9)
    together = play_out(asked, player(text), player("random"))
    for i in (0, 4, 8):
        alone = play_out(contracts(1, start=i), player(text, threads=1), player("random"))
        assert (alone.plays[0] == together.plays[i]).all()


class Watching:
    """Plays at random and keeps what it was asked."""

    name = "watching"

    def __init__(self) -> None:
        self.asked: list[Decisions] = []

    def play(self, decisions: Decisions) -> np.ndarray:
        self.asked.append(decisions)
        return player("random").play(decisions)


def test_decisions_say_what_the_record_says() -> None:
    watching = Watching()
    play_out(contracts(8), watching, watching, to_the_end=True)
    for decisions in watching.asked:
        for row in range(len(decisions)):
            info = decisions.information_set(row)
            record = info.record
            assert info.seat == record.mover
            assert record.leader == decisions.leaders[row]
            assert list(record.voids) == decisions.voids[row].tolist()
            assert list(record.won) == decisions.won[row].tolist()
            assert list(record.seats) == decisions.players[row].tolist()
            assert sum(1 << d for d in info.legal_dominoes()) == decisions.legal()[row]
            assert list(info.original_hand) == decisions.original_hands()[row].tolist()


class Illegal:
    """Plays the lowest domino it does not hold."""

    name = "illegal"

    def play(self, decisions: Decisions) -> np.ndarray:
        return np.array([next(d for d in range(28) if not hand >> d & 1) for hand in decisions.hands.tolist()], np.int8)


class GivesUp:
    """Forfeits at its second decision."""

    name = "gives up"

    def play(self, decisions: Decisions) -> np.ndarray:
        if decisions.ply >= 4:
            decisions.forfeits.update(dict.fromkeys(range(len(decisions)), "had enough"))
        return player("random").play(decisions)


def test_an_illegal_domino_is_refused() -> None:
    with pytest.raises(ModelError, match="illegal at play 1 of seed 0"):
        play_out(contracts(3), Illegal(), player("random"))


def test_who_forfeits_loses_the_contract_and_the_others_go_on() -> None:
    asked = contracts(6)
    bidding, defending = (
        play_out(asked, GivesUp(), player("random")),
        play_out(asked, player("random"), GivesUp()),
    )
    assert not bidding.made.any()
    assert defending.made.all()
    assert set(bidding.forfeits) == set(range(6))
    assert set(bidding.forfeits.values()) == {"had enough"}


def test_a_bid_above_42_is_refused() -> None:
    with pytest.raises(InputError, match="84"):
        contracts(1, bid=84)
