"""E[Q] players against the E[Q] of the rest of the package, and that none of them looks."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forge_core.errors import InputError
from forge_core.expected_q.decision import run_coroutine, value_plays
from forge_core.expected_q.estimate import estimate, final_points
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings, Objective
from forge_core.players.contracts import Contracts, play_out
from forge_core.players.decisions import Decisions
from forge_core.players.registry import Means, make_player
from forge_core.players.worlds import draw_worlds
from forge_core.solver.search import search_q, search_reached
from tests.unit.players.conftest import contracts

EXACT = ExactOracle(partial(search_q, threads=2), "1")


def player(text: str) -> Any:
    return make_player(text, Means(2))


class Keeping:
    """Plays as another and keeps what it was asked."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.name = inner, inner.name
        self.asked: list[tuple[Decisions, np.ndarray]] = []

    def play(self, decisions: Decisions) -> np.ndarray:
        answer = self.inner.play(decisions)
        self.asked.append((decisions, answer))
        return answer


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(-43, 43), st.integers(0, 24))
def test_reached_is_q_at_least_the_bound(seed: int, bound: int, ply: int) -> None:
    keeping = Keeping(player("random"))
    asked = contracts(1, start=seed)
    play_out(asked, keeping, keeping, to_the_end=True)
    worlds = draw_worlds(keeping.asked[ply][0], keeping.asked[ply][0].keys, 4, 4)
    declarations = np.repeat(asked.declarations, len(worlds.states))
    q = search_q(worlds.deals, declarations, worlds.states)
    reached = search_reached(worlds.deals, declarations, worlds.states, np.full(len(q), bound, np.int16))
    assert (reached == np.where(q == -128, -128, q >= bound)).all()
    some = np.full(len(q), 0b0101010, np.uint8)
    chosen = np.arange(7) % 2 == 1
    assert (search_q(worlds.deals, declarations, worlds.states, slots=some) == np.where(chosen, q, -128)).all()


@pytest.mark.parametrize("objective", list(Objective))
def test_all_worlds_give_the_play_that_expected_q_calls_best(objective: Objective) -> None:
    keeping = Keeping(player(f"pimc:worlds=5,enumerate=300,objective={objective}"))
    play_out(contracts(12, bid=32), keeping, keeping, to_the_end=True)
    compared = 0
    for decisions, answers in keeping.asked:
        for row in range(len(decisions)):
            info = decisions.information_set(row)
            worlds = draw_worlds(decisions.of(np.array([row])), decisions.keys[[row]], 5, 300)
            if worlds.counts[0] > 300:
                continue
            asked = EqSettings(bid=32, objective=objective, enumerate_up_to=300)
            values = run_coroutine(value_plays(info, asked, np.random.default_rng()), EXACT).estimate
            chance = values.p_make if decisions.bidding()[row] else 1 - values.p_make
            slot = info.original_hand.index(answers[row])
            points = values.mean
            if objective == Objective.MAKE:
                assert chance[slot] >= np.nanmax(chance) - 1e-9
                points = np.where(chance >= np.nanmax(chance) - 1e-9, points, np.nan)
            assert points[slot] >= np.nanmax(points) - 1e-6
            compared += 1
    assert compared > 50


def test_sampled_worlds_fit_what_the_seat_knows_and_make_is_counted_in_them() -> None:
    keeping = Keeping(player("pimc:worlds=20,ties=none"))
    play_out(contracts(8, bid=31), keeping, keeping, to_the_end=True)
    decisions = keeping.asked[5][0]
    worlds = draw_worlds(decisions, decisions.keys, 20, 20)
    assert np.diff(worlds.starts).tolist() == [20] * len(decisions)
    for row in range(len(decisions)):
        info = decisions.information_set(row)
        deals = worlds.deals[worlds.of(row)]
        declared = np.full(20, info.record.declaration, np.uint8)
        q = EXACT.q(deals, declared, worlds.states[worlds.of(row)])
        assert tuple(np.flatnonzero(~np.isnan(q[0]))) == info.legal_slots()
        final = final_points(q, info.record, info.seat)
        assert estimate(q, np.full(20, 0.05), final=final, bid=31, exact=False).legal.sum() == len(info.legal_slots())
        for deal in deals:
            assert tuple(deal[7 * info.seat : 7 * info.seat + 7]) == info.original_hand


def test_more_worlds_may_be_drawn_than_there_are() -> None:
    keeping = Keeping(player("random"))
    play_out(contracts(30), keeping, keeping, to_the_end=True)
    late = [decisions for decisions, _ in keeping.asked if decisions.ply >= 20]
    for decisions in late:
        worlds = draw_worlds(decisions, decisions.keys, 40, 0)
        assert (np.diff(worlds.starts) == 40).all()
        for row in range(len(decisions)):
            info = decisions.information_set(row)
            for deal in worlds.deals[worlds.of(row)].tolist():
                assert sorted(deal) == list(range(28))
                assert tuple(deal[7 * info.seat : 7 * info.seat + 7]) == info.original_hand


@pytest.mark.parametrize(
    "text",
    [
        "random",
        "highest",
        "pimc:worlds=8",
        "pimc:worlds=8,posterior=20",
        "pimc:worlds=8,objective=points",
        "level1:worlds=8",
    ],
)
def test_no_player_sees_a_hidden_hand(text: str) -> None:
    """The other hands are swapped in mid-game; whoever does not see them plays the same."""
    keeping = Keeping(player(text))
    asked = contracts(6)
    played = play_out(asked, keeping, keeping, to_the_end=True)
    rng = np.random.default_rng(7)
    changed = 0
    for ply in (0, 4, 9, 13):
        for i in range(6):
            mover = int(played.players[i, ply])
            swapped = _swapped(asked.deals[i], played.plays[i, :ply], mover, rng)
            other = Contracts(
                swapped[None], asked.declarations[[i]], asked.bidders[[i]], asked.bids[[i]], asked.seeds[[i]]
            )
            again = Replaying(played.plays[i, :ply], player(text))
            try:
                play_out(other, again, again, to_the_end=True)
            except Contradicted:
                continue
            assert again.first == played.plays[i, ply]
            changed += 1
    assert changed >= 12


def _swapped(deal: np.ndarray, gone: np.ndarray, mover: int, rng: np.random.Generator) -> np.ndarray:
    """The deal with two unplayed dominoes of two other seats exchanged."""
    seats = [seat for seat in range(4) if seat != mover]
    rng.shuffle(seats)
    hands = deal.reshape(4, 7).copy()
    mine = [slot for slot in range(7) if hands[seats[0], slot] not in gone]
    theirs = [slot for slot in range(7) if hands[seats[1], slot] not in gone]
    a, b = (seats[0], rng.choice(mine)), (seats[1], rng.choice(theirs))
    hands[a], hands[b] = hands[b], hands[a]
    return np.sort(hands, axis=1).reshape(28)


class Contradicted(Exception):
    """The swapped deal forbids the plays made."""


class Replaying:
    """Makes given plays, whatever they are, then asks another player once."""

    name = "replaying"

    def __init__(self, plays: np.ndarray, inner: Any) -> None:
        self.plays, self.inner, self.first = plays, inner, None

    def play(self, decisions: Decisions) -> np.ndarray:
        if decisions.ply < len(self.plays):
            if not decisions.legal()[0] >> int(self.plays[decisions.ply]) & 1:
                raise Contradicted
            return self.plays[[decisions.ply]]
        answer = self.inner.play(decisions)
        if self.first is None:
            self.first = int(answer[0])
        return player("random").play(decisions)


@pytest.mark.parametrize("text", ["nobody", "pimc:worlds", "pimc:world=3", "pimc:worlds=0", "random:seed=x", "model:"])
def test_a_player_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="Got the player"):
        make_player(text)


def test_cheat_knows_more() -> None:
    asked = contracts(40)
    cheat = play_out(asked, player("cheat"), player("highest")).made.mean()
    plain = play_out(asked, player("highest"), player("highest")).made.mean()
    against = play_out(asked, player("highest"), player("cheat")).made.mean()
    assert cheat > plain + 0.1
    assert against < plain - 0.1
