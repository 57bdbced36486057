"""The best response against one that is written down plainly, late in contracts."""

from typing import Any

import numpy as np

from forge_core.players.contracts import play_out
from forge_core.players.decisions import Decisions
from forge_core.players.level1 import Level1Player, Level1Settings
from forge_core.players.level1_kernel import (
    WIDTH,
    Contract,
    _answer,  # pyright: ignore[reportPrivateUsage]
    _play,  # pyright: ignore[reportPrivateUsage]
    best_response,
    new_tree,
)
from forge_core.players.registry import Means, make_player
from forge_core.players.streams import mixed
from forge_core.players.worlds import draw_worlds
from forge_core.rules import follows, led_suit
from tests.unit.players.conftest import contracts
from tests.unit.players.test_pimc import Keeping


def positions(decisions: Decisions, deals: np.ndarray, row: int) -> list[np.ndarray]:
    """The positions of the worlds, play by play."""
    answer = []
    for deal in deals:
        at = np.zeros(WIDTH, np.int64)
        for seat in range(4):
            at[seat] = sum(1 << int(domino) for domino in deal[7 * seat : 7 * seat + 7])
        at[4] = decisions.bidders[row]
        for domino in decisions.plays[row]:
            _play(at, int(decisions.declarations[row]), int(decisions.bidders[row]), int(domino))
        answer.append(at)
    return answer


def legal(at: np.ndarray, declaration: int) -> list[int]:
    seat = int(at[4] + at[5]) % 4
    hand = [domino for domino in range(28) if int(at[seat]) >> domino & 1]
    following = [domino for domino in hand if at[5] and follows(domino, int(at[6]), declaration)]
    return following or hand


def value(worlds: list[tuple[int, np.ndarray]], c: Contract, keys: Any, tree: Any) -> dict[int, int]:
    """By domino: in how many of these worlds, which look alike, the seat's team gets its way."""
    won = {}
    for domino in legal(worlds[0][1], int(c.declaration)):
        groups: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
        won[domino] = 0
        for world, at in worlds:
            after, shown = at.copy(), []
            _play(after, int(c.declaration), int(c.bidder), domino)
            while after[10] < c.bid and after[11] <= 42 - c.bid and (after[4] + after[5]) % 4 != c.seat:
                answer = int(_answer(after, keys[world], c, tree))
                assert answer in legal(after, int(c.declaration))
                shown.append(answer)
                _play(after, int(c.declaration), int(c.bidder), answer)
            if after[10] >= c.bid or after[11] > 42 - c.bid:
                won[domino] += (after[10] >= c.bid) == ((c.seat ^ c.bidder) & 1 == 0)
            else:
                groups.setdefault(tuple(shown), []).append((world, after))
        for group in groups.values():
            won[domino] += max(value(group, c, keys, tree).values())
    return won


def test_the_best_response_is_that_of_the_plain_search() -> None:
    keeping = Keeping(make_player("random"))
    play_out(contracts(10, bid=34), keeping, keeping, to_the_end=False)
    compared = 0
    for decisions, _ in keeping.asked:
        if decisions.ply < 12:
            continue
        for row in range(len(decisions)):
            worlds = draw_worlds(decisions.of(np.array([row])), decisions.keys[[row]], 8, 8)
            said = (decisions.declarations, decisions.bids, decisions.bidders, decisions.seats)
            c = Contract._make([*(np.int64(number[row]) for number in said), np.int64(3)])
            tree, key, out = new_tree(8), decisions.keys[row], np.empty(28, np.int64)
            best_response(worlds.deals, decisions.plays[row], key, c, tree, out)
            with np.errstate(over="ignore"):
                keys = [np.uint64(mixed(key + np.uint64(world))) for world in range(len(worlds.deals))]
            plain = value(list(enumerate(positions(decisions, worlds.deals, row))), c, keys, new_tree(8))
            assert {domino: int(out[domino]) for domino in range(28) if out[domino] >= 0} == plain
            compared += 1
    assert compared > 30


def test_positions_follow_the_rules() -> None:
    keeping = Keeping(make_player("random"))
    asked = contracts(6)
    play_out(asked, keeping, keeping, to_the_end=True)
    for decisions, _ in keeping.asked:
        for row in range(len(decisions)):
            i = int(np.flatnonzero(asked.seeds % 10 == decisions.declarations[row])[0])
            at = positions(decisions, asked.deals[[i]], row)[0]
            side = int(decisions.bidders[row]) & 1
            assert at[10:].tolist() == [decisions.won[row, side], decisions.won[row, 1 - side]]
            assert at[4] == decisions.leaders[row]
            assert sum(1 << d for d in legal(at, int(decisions.declarations[row]))) == decisions.legal()[row]
            if at[5]:
                assert at[6] == led_suit(int(decisions.plays[row, -int(at[5])]), int(decisions.declarations[row]))


def test_level1_beats_the_highest_domino() -> None:
    player = Level1Player(Level1Settings(worlds=20), threads=2)
    asked = contracts(40)
    mine = play_out(asked, player, make_player("highest")).made.sum()
    theirs = play_out(asked, make_player("highest", Means(2)), player).made.sum()
    assert mine >= theirs + 8
