"""Records of played hands, sound and broken, and what their decisions gave up."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from forge_core.errors import DataError, InputError
from forge_core.expected_q.oracle import ExactOracle
from forge_core.review.judge import Review, review
from forge_core.review.played import parse_played, read_hands
from forge_core.rules import deal_from_seed, hand_name, opening
from forge_core.solver.search import search_q
from forge_core.solver.value_table import solve
from forge_view import review_rows

HANDS = [
    "1-1,2-1,3-3,4-0,4-3,6-3,6-6",
    "3-0,4-2,5-0,5-2,5-3,6-4,6-5",
    "0-0,1-0,2-0,2-2,3-1,4-4,6-0",
    "3-2,4-1,5-1,5-4,5-5,6-1,6-2",
]
PLAYS = "2-1,4-2,2-2,3-2,3-1,5-5,4-3,5-3"
GOOD: dict[str, Any] = {"declaration": "sixes", "bidder": 0, "bid": 30, "hands": HANDS, "plays": PLAYS}

BROKEN: list[tuple[object, str]] = [
    ("a text", "an object"),
    ({"plays": PLAYS}, "no declaration"),
    ({"declaration": "sixes"}, "no plays"),
    (GOOD | {"declaration": "sevens"}, "sevens"),
    (GOOD | {"declaration": 12}, "12"),
    (GOOD | {"bidder": 4}, "bidder 4"),
    (GOOD | {"bidder": "north"}, "north"),
    (GOOD | {"bid": 29}, "bid 29"),
    (GOOD | {"bid": 84}, "bid 84"),
    (GOOD | {"bid": 30.5}, "bid 30.5"),
    (GOOD | {"plays": ["2-1"]}, "plays"),
    (GOOD | {"plays": "2-7"}, "2-7"),
    (GOOD | {"plays": "2-1,2-1"}, "already there"),
    (GOOD | {"plays": "2-1,4-2,2-2,3-2,0-0,5-5,4-3,5-3,6-6"}, "follow"),
    (GOOD | {"plays": "6-4"}, "did not hold|held"),
    (GOOD | {"plays": "6-6,4-2"}, "which follow"),
    (GOOD | {"hands": HANDS[:3]}, "four texts"),
    (GOOD | {"hands": [HANDS[0], HANDS[0], None, None]}, "hands of seats 0 and 1"),
    (GOOD | {"hands": ["1-1,2-1", None, None, None]}, "seven different"),
    (GOOD | {"player": "me"}, "the field 'player'"),
]


def test_twenty_broken_records_each_get_their_line(tmp_path: Path) -> None:
    path = tmp_path / "hands.json"
    path.write_text(json.dumps([content for content, _ in BROKEN] + [GOOD]))
    sound, broken = read_hands(path)
    assert len(sound) == 1
    assert [each.where for each in broken] == [f"record {number}" for number in range(1, 21)]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_what_is_wrong_is_said(content: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_played(content, "here")


def test_csv_is_read_as_json_is(tmp_path: Path) -> None:
    path = tmp_path / "hands.csv"
    row = ",".join(f'"{text}"' for text in (*HANDS, PLAYS))
    path.write_text(
        f"declaration,bidder,bid,hand_0,hand_1,hand_2,hand_3,plays\nsixes,0,30,{row}\nsixes,9,,,,,,2-1\nsixes,,,,,,,2-1,x\n"
    )
    sound, broken = read_hands(path)
    assert sound == [parse_played(GOOD, "line 2")]
    assert [each.where for each in broken] == ["line 3", "line 4"]


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "review.md").read_text("utf-8")
    path = tmp_path / "hands.json"
    path.write_text(page.split("```json\n")[1].split("```")[0])
    (hand,), broken = read_hands(path)
    assert broken == []
    assert (hand.name, hand.bid, hand_name(hand.record.plays)) == ("table 3", 30, PLAYS)
    told = review(hand, ExactOracle(search_q, "1"), n_worlds=10)
    assert [each.seat for each in told.judgements] == [0, 0]


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[{")
    (tmp_path / "hands.txt").write_text("")
    with pytest.raises(DataError, match="cannot be read"):
        read_hands(tmp_path / "broken.json")
    with pytest.raises(InputError, match=r"\.json or \.csv"):
        read_hands(tmp_path / "hands.txt")
    with pytest.raises(InputError, match="no file"):
        read_hands(tmp_path / "absent.json")


def test_written_and_read_again(tmp_path: Path) -> None:
    hand = parse_played(GOOD, "x")
    assert parse_played(hand.as_json(), "x") == hand


def _random_game(seed: int, declaration: int) -> str:
    position, chance, plays = opening(deal_from_seed(seed), declaration), random.Random(seed), list[int]()
    while position.plays_left:
        slot = chance.choice(position.legal_slots())
        plays.append(position.domino(position.mover, slot))
        position = position.play(slot)
    return hand_name(plays)


@cache
def _reviewed() -> Review:
    hand = parse_played({"declaration": 6, "bid": 30, "plays": _random_game(5, 6)}, "random")
    return review(hand, ExactOracle(search_q, "1"), n_worlds=20)


def test_what_open_hands_give_up_adds_up_to_the_value_of_the_deal() -> None:
    """V of the opening, less what team 0 gave up, plus what team 1 did, is what was won."""
    reviewed, record = _reviewed(), _reviewed().hand.record
    lost = [sum(each.open_loss or 0 for each in reviewed.judgements if each.seat % 2 == side) for side in (0, 1)]
    assert reviewed.hand.deal == deal_from_seed(5)
    assert solve(deal_from_seed(5), 6).opening_value - lost[0] + lost[1] == record.won[0] - record.won[1]
    assert all((each.seen_loss or 0) >= 0 for each in reviewed.judgements)


def test_unknown_hands_leave_the_seats_own_view() -> None:
    hand = parse_played({"declaration": 6, "hands": [HANDS[0], None, None, None], "plays": PLAYS}, "mine")
    reviewed = review(hand, ExactOracle(search_q, "1"), n_worlds=10)
    assert {each.seat for each in reviewed.judgements} == {0}
    assert all(each.open_loss is None and each.seen_loss is not None for each in reviewed.judgements)
    assert "?" in review_rows.decision_rows(reviewed)[0]


def test_another_bidder_leads() -> None:
    turned = parse_played(GOOD | {"bidder": 1, "hands": [HANDS[3], *HANDS[:3]]}, "turned")
    one = review(parse_played(GOOD, "x"), ExactOracle(search_q, "1"), n_worlds=10)
    other = review(turned, ExactOracle(search_q, "1"), n_worlds=10)
    assert [each.open_loss for each in one.judgements] == [each.open_loss for each in other.judgements]
    assert [(each.seat + 1) % 4 for each in one.judgements] == [each.seat for each in other.judgements]


def test_the_page_stands_alone_and_escapes() -> None:
    reviewed = _reviewed()
    text = review_rows.page([reviewed])
    assert "http" not in text
    assert len(review_rows.decision_rows(reviewed)) == sum(each.choices > 1 for each in reviewed.judgements)
    named = parse_played(GOOD | {"id": "<script>"}, "x")
    assert "<script>" not in review_rows.page([Review(named, ())])
