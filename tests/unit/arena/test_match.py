"""Matches: mirrored, fair, the same again, and going on after a kill."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from forge_core.arena.declare import best_pip
from forge_core.arena.games import hold_auction
from forge_core.arena.match import BLOCK, Block, play_block
from forge_core.arena.record import (
    block_path,
    find_contract,
    read_all,
    read_block,
    read_settings,
    replayed,
    write_block,
)
from forge_core.arena.result import MatchResult
from forge_core.arena.run import Matrix, run_contest, run_games, run_match
from forge_core.arena.settings import Contest, Deals, Declare, MatchSettings
from forge_core.arena.statistics import Sprt
from forge_core.bids.bidders import Passing
from forge_core.errors import DamagedFile, InputError
from forge_core.players.registry import Means, make_player
from forge_core.rules import deal_from_seed, parse_hand
from forge_core.rules.auction import Auction, Bid
from forge_view.contract_terminal import contract_view

MEANS = Means(2)


def match(a: str, b: str, count: int = 60, start: int = 0, **options: Any) -> MatchResult:
    return run_match(Deals(start=start, count=count), MatchSettings(a=a, b=b), MEANS, **options)


def untimed(result: MatchResult) -> dict[str, Any]:
    return {name: value for name, value in result.as_json().items() if name != "timing"}


def test_swapping_the_players_swaps_the_signs() -> None:
    one, other = match("pimc:worlds=4", "highest"), match("highest", "pimc:worlds=4")
    assert (one.a.only, one.b.only, one.a.made, one.b.made) == (other.b.only, other.a.only, other.b.made, other.a.made)
    assert (one.z, one.marks, one.p) == (-other.z, -other.marks, other.p)
    assert one.a.points == other.b.points
    assert one.a.only > one.b.only
    assert one.verdict.startswith("A is stronger")
    assert other.verdict.startswith("B is stronger")


def test_a_player_against_itself_plays_the_same_contract_twice() -> None:
    result = match("pimc:worlds=4", "pimc:worlds=4")
    assert result.a.only == result.b.only == 0
    assert result.verdict == "Not told apart by 60 pairs: neither is ahead."


def test_a_player_against_its_like_is_rarely_called_stronger() -> None:
    """The same player with other random numbers: at most some 5 of 100 matches may find a difference."""
    found = [match("random", "random:seed=1", count=150, start=150 * i).p <= 0.05 for i in range(100)]
    inside = 0
    for i in range(100):
        low, high = match("highest", "highest:seed=1", count=150, start=150 * i).marks_interval
        inside += low <= 0.0 <= high
    assert sum(found) <= 9
    assert inside >= 90


@pytest.mark.parametrize("other", ["random", "highest", "pimc:worlds=5", "pimc:worlds=5,objective=points"])
def test_cheat_beats_everyone(other: str) -> None:
    result = match("cheat", other, count=150)
    assert result.verdict.startswith("A is stronger")


def test_a_match_is_the_same_whatever_the_threads_and_the_length() -> None:
    settings, ones = MatchSettings(a="pimc:worlds=4", b="highest"), Means(1)
    assert untimed(match("pimc:worlds=4", "highest")) == untimed(run_match(Deals(count=60), settings, ones))
    a, b = make_player("pimc:worlds=4"), make_player("highest")
    long, short = play_block(range(30), settings, a, b).contracts, play_block(range(10, 13), settings, a, b).contracts
    assert long.filter(pl.col("seed").is_between(10, 12)).equals(short)


def test_blocks_are_the_same_for_a_longer_match() -> None:
    short, long = Deals(start=30, count=40).blocks(25), Deals(start=30, count=100).blocks(25)
    assert short == [range(30, 50), range(50, 70)]
    assert [s for block in long for s in block] == list(range(30, 130))
    assert long[0] == short[0]


def test_a_record_goes_on_and_tells_the_same(tmp_path: Path) -> None:
    deals, settings = Deals(count=50), MatchSettings(a="pimc:worlds=3", b="highest")
    whole = run_match(deals, settings, MEANS)
    run_match(Deals(count=25), settings, MEANS, record=tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    longer = run_match(deals, settings, MEANS, record=tmp_path)
    assert untimed(longer) == untimed(whole)
    assert all(path.stat().st_mtime_ns == then for path, then in times.items())
    assert run_match(deals, settings, MEANS, record=tmp_path) == longer  # nothing played: the clock's part too
    assert read_settings(tmp_path) == settings
    shown = Console(width=120, record=True, file=io.StringIO())
    shown.print(contract_view(find_contract(tmp_path, 7, "b"), settings))
    assert "seed 7" in (text := shown.export_text())
    assert text.index("highest") < text.index("pimc:worlds=3")  # seat 0 is the declarer's
    with pytest.raises(InputError, match="seed 99"):
        find_contract(tmp_path, 99, "a")
    rows = [row for block in read_all(tmp_path) for row in block.contracts.iter_rows(named=True)]
    assert len(rows) == 100
    for row in rows:
        won = replayed(row).won
        assert row["made"] == (won[0] >= 30)


def test_a_record_of_another_match_is_not_continued(tmp_path: Path) -> None:
    match("random", "highest", count=5, record=tmp_path)
    with pytest.raises(InputError, match="another match"):
        match("random", "cheat", count=5, record=tmp_path)


@pytest.mark.parametrize("fault", ["cut", "made", "play", "seed"])
def test_a_damaged_block_is_noticed(tmp_path: Path, fault: str) -> None:
    match("random", "highest", count=BLOCK, record=tmp_path)
    path = block_path(tmp_path, range(BLOCK))
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        block = read_block(tmp_path, range(BLOCK))
        assert block is not None
        frame = block.contracts
        if fault == "made":
            frame = frame.with_columns(pl.Series("made", [not frame["made"][0], *frame["made"].to_list()[1:]]))
        elif fault == "seed":
            frame = frame.with_columns(pl.col("seed") + 1)
        else:
            plays = frame["plays"].to_list()
            plays[3][0], plays[3][1] = plays[3][1], plays[3][0]
            frame = frame.with_columns(pl.Series("plays", plays, dtype=pl.List(pl.Int8)))
        write_block(tmp_path, Block(block.seeds, frame, block.effort))
    with pytest.raises(DamagedFile, match="Delete this file"):
        match("random", "highest", count=BLOCK, record=tmp_path)


def test_no_flipped_byte_changes_what_a_record_says(tmp_path: Path) -> None:
    match("random", "highest", count=BLOCK, record=tmp_path)
    path, sound = block_path(tmp_path, range(BLOCK)), read_block(tmp_path, range(BLOCK))
    raw = path.read_bytes()
    noticed = 0
    assert sound is not None
    for place in range(0, len(raw), 11):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :])
        try:
            found = read_block(tmp_path, range(BLOCK))
        except DamagedFile:
            noticed += 1
            continue
        assert found is not None
        assert found.contracts.equals(sound.contracts)
        assert found.effort == sound.effort
    assert noticed > len(raw) / 22


def test_a_block_of_before_digests_is_read(tmp_path: Path) -> None:
    match("random", "highest", count=BLOCK, record=tmp_path)
    path, sound = block_path(tmp_path, range(BLOCK)), read_block(tmp_path, range(BLOCK))
    table = pq.read_table(path)
    known = {name: text for name, text in table.schema.metadata.items() if name != b"sha256"}
    pq.write_table(table.replace_schema_metadata(known), path)
    found = read_block(tmp_path, range(BLOCK))
    assert sound is not None
    assert found is not None
    assert found.contracts.equals(sound.contracts)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"settings": {}, "versions": {}}', '{"settings": 1, "versions": {}}']
)
def test_a_damaged_description_of_a_match_is_noticed(tmp_path: Path, content: str) -> None:
    (tmp_path / "match.json").write_text(content)
    with pytest.raises(DamagedFile, match="says of no match"):
        read_settings(tmp_path)
    with pytest.raises((DamagedFile, InputError), match="match"):
        match("random", "highest", count=1, record=tmp_path)


_PROGRAM = """
import json, sys
from pathlib import Path
from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.players.registry import Means
settings = MatchSettings(a="pimc:worlds=6", b="pimc:worlds=3")
result = run_match(Deals(count=150), settings, Means(1), record=Path(sys.argv[1]))
print(json.dumps({k: v for k, v in result.as_json().items() if k != "timing"}))
"""


def test_a_killed_match_goes_on_with_the_same_result(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.1)
        if len(list((tmp_path / "killed").glob("seeds_*.parquet"))) >= 2 or process.poll() is not None:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("seeds_*.parquet")}
    assert len(done) >= 2
    again = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert all(path.stat().st_mtime_ns == then for path, then in done.items())
    straight = [sys.executable, "-c", _PROGRAM, str(tmp_path / "straight")]
    assert again == json.loads(subprocess.run(straight, capture_output=True, check=True).stdout)


def test_the_sequential_test_ends_a_match_early_and_at_the_same_pair() -> None:
    test = Sprt(0.5, 0.6)
    result = match("cheat", "random", count=500, sprt=test)
    assert result.pairs < 400
    assert result.sprt is not None
    assert result.sprt.startswith("0.6 after")


def test_everyone_against_everyone() -> None:
    matrix = run_contest(Contest(players=("random", "cheat"), others=("highest",)), Deals(count=100), MEANS)
    assert isinstance(matrix, Matrix)
    assert np.argsort(-matrix.ratings.elo).tolist() == [1, 2, 0]
    assert set(matrix.matches) == {(0, 1), (0, 2), (1, 2)}
    json.dumps(matrix.as_json())


@pytest.mark.parametrize(
    ("hand", "pip"),
    [
        ("6-5,6-4,5-4,5-5,4-3,1-0,2-0", 5),  # three fives with the double, before three fours without
        ("6-6,6-5,6-4,3-3,3-2,3-1,3-0", 3),  # four threes before three sixes
        ("6-5,6-1,4-3,4-2,3-0,2-0,5-1", 6),  # all alike: the higher pip
    ],
)
def test_best_pip(hand: str, pip: int) -> None:
    assert best_pip(list(parse_hand(hand))) == pip


def test_fixed_declarations_and_players_without_their_own() -> None:
    settings = MatchSettings(a="random", b="highest", declare=Declare.FIXED)
    contracts = play_block(range(20), settings, make_player("random"), make_player("highest")).contracts
    assert (contracts["declaration"] == contracts["seed"] % 10).all()
    with pytest.raises(InputError, match="best-pip"):
        run_match(Deals(count=1), MatchSettings(a="random", b="highest", declare=Declare.OWN), MEANS)


def test_a_player_declares_what_it_makes_most_often() -> None:
    declarer: Any = make_player("pimc:worlds=40", MEANS)
    hands = [parse_hand("6-6,6-5,6-4,6-3,6-2,6-1,0-0"), parse_hand("4-4,4-3,4-2,4-1,4-0,1-1,2-2")]
    keys = np.array([1, 2], np.uint64)
    assert declarer.declare(np.array(hands, np.uint8), np.array([42, 30], np.uint8), keys).tolist() == [6, 4]
    settings = MatchSettings(a="pimc:worlds=5", b="pimc:worlds=5,seed=1", declare=Declare.OWN)
    assert run_match(Deals(count=4), settings, MEANS).pairs == 4


class Says:
    """Bids what it is told to."""

    def __init__(self, *bids: Bid | None) -> None:
        self.bids = list(bids)

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        assert len(hand) == 7
        return self.bids.pop(0)


def test_the_highest_bid_gets_the_contract_and_the_dealer_is_forced_to_30() -> None:
    hands = deal_from_seed(0).hands
    assert hold_auction(hands, 2, (Passing(), Passing()), 0, (0, 0)) == (2, Bid(30))
    a, b = Says(None, Bid(42, 2)), Says(Bid(31), Bid(42))  # seats 1 (b), 2 (a), 3 (b), 0 (a)
    assert hold_auction(hands, 0, (a, b), 0, (0, 0)) == (0, Bid(42, 2))


def test_games_are_won_by_the_better_player_and_even_against_itself() -> None:
    settings = MatchSettings(a="cheat", b="random")
    games = run_games(Deals(count=20), settings, MEANS)
    assert games.games == 40
    assert games.win_rate > 0.8
    swapped = run_games(Deals(count=20), MatchSettings(a="random", b="cheat"), MEANS)
    assert swapped.won_by_a == 40 - games.won_by_a
    same = run_games(Deals(count=20), MatchSettings(a="highest", b="highest"), MEANS)
    assert same.win_rate == 0.5


def test_recorded_games_go_on_and_are_checked(tmp_path: Path) -> None:
    settings = MatchSettings(a="highest", b="random", bidders=("fixed:32", "fixed:31"))
    whole = run_games(Deals(count=2 * BLOCK), settings, MEANS)
    run_games(Deals(count=BLOCK), settings, MEANS, record=tmp_path)
    then = block_path(tmp_path, range(BLOCK)).stat().st_mtime_ns
    assert run_games(Deals(count=2 * BLOCK), settings, MEANS, record=tmp_path) == whole
    assert block_path(tmp_path, range(BLOCK)).stat().st_mtime_ns == then
    row = find_contract(tmp_path, None, "a")
    shown = Console(width=120, record=True, file=io.StringIO())
    shown.print(contract_view(row, settings))
    assert f"bid {row['bid']}" in shown.export_text()
    with pytest.raises(InputError, match="another match"):
        run_games(Deals(count=BLOCK), settings.model_copy(update={"bidders": ("pass", "pass")}), MEANS, record=tmp_path)
    block = read_block(tmp_path, range(BLOCK))
    assert block is not None
    write_block(tmp_path, Block(block.seeds, block.contracts.head(-1), block.effort))
    with pytest.raises(DamagedFile, match="does not end"):
        read_block(tmp_path, range(BLOCK))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"players": ("random",)}, "two players or more"),
        ({"players": ("random", "highest", "cheat"), "games": True}, "two players"),
        ({"players": ("random", "highest"), "games": True, "sprt": "0.5:0.6"}, "for contracts"),
        ({"players": ("random", "highest"), "sprt": "0.5:0.5"}, "two different shares"),
        ({"players": ("random", "highest"), "sprt": "half"}, "pattern"),
    ],
)
def test_a_contest_that_cannot_be_meant(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Contest.model_validate(wrong)
