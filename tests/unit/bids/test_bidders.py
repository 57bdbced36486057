"""Bidders, failures, the data set of matrices."""

from pathlib import Path

import polars as pl
import pytest

from forge_core.bids.bidders import ExpectedBidder, make_bidder
from forge_core.bids.dataset import Bids, collate_bids, counts_of, generate_bids
from forge_core.bids.matrix import Method
from forge_core.bids.open_hands import open_histograms
from forge_core.bids.settings import BidSettings
from forge_core.bids.why import why
from forge_core.errors import DamagedFile, InputError
from forge_core.players.registry import make_player
from forge_core.rules import BIDS, Auction, Bid, deal_from_seed, parse_hand

PLAYER = make_player("pimc:worlds=2")
SMALL = BidSettings(samples=5, playouts=0)
SEVEN_SIXES = parse_hand("6-6,6-5,6-4,6-3,6-2,6-1,6-0")
FIRST, FORCED = Auction(0), Auction(0, (None, None, None))
NOTHING = parse_hand("5-0,4-1,3-2,6-0,2-1,4-3,5-3")


def test_fixed_bids_only_where_it_is_higher() -> None:
    bidder = make_bidder("fixed:31")
    assert bidder.bid(NOTHING, FIRST, (0, 0)) == Bid(31)
    assert bidder.bid(NOTHING, Auction(0, (Bid(30),)), (0, 0)) == Bid(31)
    assert bidder.bid(NOTHING, Auction(0, (Bid(31),)), (0, 0)) is None


@pytest.mark.parametrize("text", ["points", "expected"])
def test_a_sure_hand_bids_and_a_bad_one_passes(text: str) -> None:
    bidder = make_bidder(text)
    call = bidder.bid(SEVEN_SIXES, Auction(0, (Bid(41),)), (0, 0))
    assert call is not None
    assert call > Bid(41)
    assert bidder.bid(NOTHING, FIRST, (0, 0)) is None
    assert bidder.bid(SEVEN_SIXES, Auction(0, (BIDS[-1],)), (0, 0)) is None


@pytest.mark.parametrize("text", ["points", "expected", "fixed:35"])
def test_a_forced_dealer_bids(text: str) -> None:
    assert make_bidder(text).bid(NOTHING, FORCED, (0, 0)) == Bid(35 if "35" in text else 30)


def test_expected_takes_two_marks_with_a_sure_hand() -> None:
    bidder = ExpectedBidder(PLAYER, BidSettings(samples=10, playouts=5))
    assert bidder.bid(SEVEN_SIXES, FIRST, (0, 0)) == BIDS[-1]
    assert bidder.bid(SEVEN_SIXES, FIRST, (6, 0)) == Bid(30)  # one mark is all that is missing


@pytest.mark.parametrize("text", ["fixed", "fixed:29", "fixed:84", "clever"])
def test_no_such_bidder(text: str) -> None:
    with pytest.raises(InputError, match="Got the bidder"):
        make_bidder(text)


def test_failures_by_their_costliest_trick() -> None:
    found = why(NOTHING, 3, 30, BidSettings(playouts=12), PLAYER)
    assert found.playouts == 12
    assert 0 < found.n_failures <= 12
    sizes = [len(reason.failures) for reason in found.reasons]
    assert sizes == sorted(sizes, reverse=True)
    for reason in found.reasons:
        for failure in reason.failures:
            ours = sum(points for _, _, winner, points in failure.tricks() if winner % 2 == 0)
            assert ours == failure.points < 30
            assert failure.costliest() == (reason.led, reason.won_by)
    assert why(SEVEN_SIXES, 6, 42, BidSettings(playouts=3), PLAYER).reasons == ()


def test_a_folder_is_filled_once_and_collated(tmp_path: Path) -> None:
    seeds = [0, 1, 900, 950]
    assert generate_bids(tmp_path, seeds[:2], SMALL, PLAYER) == [0, 1]
    assert generate_bids(tmp_path, seeds, SMALL, PLAYER) == [900, 950]
    assert generate_bids(tmp_path, seeds, SMALL, PLAYER) == []
    rows = collate_bids(tmp_path, tmp_path / "all.parquet")
    table = pl.read_parquet(tmp_path / "all.parquet")
    assert rows == table.height == 40
    assert table["split"].unique().sort().to_list() == ["test", "train", "val"]
    hand = deal_from_seed(900).hands[0]
    mine = counts_of(table.filter(pl.col("seed") == 900), Method.OPEN)
    assert (mine == open_histograms(hand, range(10), 5, seed=900)).all()
    assert table["play"].null_count() == 40


def test_what_is_damaged_is_made_again(tmp_path: Path) -> None:
    generate_bids(tmp_path, [3], SMALL, PLAYER)
    path = Bids(SMALL).path(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(DamagedFile):
        collate_bids(tmp_path, tmp_path / "all.parquet")
    assert generate_bids(tmp_path, [3], SMALL, PLAYER) == [3]
    assert path.read_bytes() == whole


def test_other_settings_need_another_folder(tmp_path: Path) -> None:
    generate_bids(tmp_path, [3], SMALL, PLAYER)
    with pytest.raises(InputError, match="Use the same settings"):
        generate_bids(tmp_path, [4], BidSettings(samples=6, playouts=0), PLAYER)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a single bid matrix"):
        collate_bids(tmp_path, tmp_path / "all.parquet")
