"""Backfills in one process: how a range is cut, and that only what is missing is made, block by block."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.operation import Backfill
from forge_core.bids.settings import BidSettings
from forge_core.errors import ForgeError, InputError
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.read import read_metadata
from forge_core.shards.settings import Keep, ShardSettings

FEW = ShardSettings(states_per_deal=20)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.p*t*"))}


@given(st.sets(st.integers(5, 300), min_size=1), st.integers(1, 60))
def test_blocks_hold_every_gap_once_and_lie_where_they_always_lie(gaps: set[int], size: int) -> None:
    from flows.backfill import cut

    blocks = cut(sorted(gaps), range(5, 301), size)
    seeds = [seed for block in blocks for seed in block]
    assert len(set(seeds)) == len(seeds)
    assert gaps <= set(seeds) <= set(range(5, 301))
    for block in blocks:
        assert gaps & set(block)
        assert block in cut(range(5, 301), range(5, 301), size)


@pytest.mark.parametrize("make", ["shards", "tables", "games", "bids"])
@pytest.mark.parametrize("seeds", [1, 1000, 10_000, 999_000, 1_000_000, 100_000_000])
def test_a_backfill_of_any_length_is_less_than_a_thousand_runs(make: str, seeds: int) -> None:
    size = Backfill.model_validate({"make": make, "end": seeds}).block_size
    assert size >= (20 if make == "bids" else 200)
    assert -(-seeds // size) < 1000


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="an end behind the start"):
        Backfill(start=5, end=5)


@pytest.mark.usefixtures("home")
def test_only_what_is_missing_is_made_and_every_block_is_a_run(tmp_path: Path) -> None:
    from flows.backfill import backfill

    seeds = Backfill(start=897, end=904, folder=tmp_path, block=3)
    limited = backfill(seeds.model_copy(update={"limit": 4}), FEW)
    assert (limited.made, limited.present, limited.missing) == (4, 0, 3)
    assert list(files(tmp_path)) == [f"seed_{seed:08d}_decl_{seed % 10}.parquet" for seed in range(897, 901)]
    before = files(tmp_path)
    damaged = tmp_path / "train" / "seed_00000898_decl_8.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1])

    state = backfill(seeds, FEW, return_state=True)
    assert state.message == "4 made, 3 already there, 0 missing"
    assert {name: content for name, content in files(tmp_path).items() if name in before} == before
    assert len(files(tmp_path)) == 7
    again = backfill(seeds, FEW)
    assert (again.made, again.present, again.missing) == (0, 7, 0)


def test_folders_of_forms_lie_in_the_home_folder_and_tables_are_tables(home: Path) -> None:
    from flows.backfill import backfill

    assert backfill(Backfill(make="tables", end=1)).made == 1
    (table,) = (home / "data" / "tables").rglob("*.parquet")
    assert read_metadata(table).keep is Keep.TABLE


@pytest.mark.usefixtures("home")
def test_games_are_filled_likewise(tmp_path: Path) -> None:
    from flows.backfill import backfill

    seeds = Backfill(make="games", end=2, folder=tmp_path, block=1)
    games = EqSettings(n_worlds=2, enumerate_up_to=2)
    assert backfill(seeds, games=games).made == 2
    before = files(tmp_path)
    assert backfill(seeds, games=games).present == 2
    assert files(tmp_path) == before


def test_bids_are_filled_likewise(home: Path) -> None:
    from flows.backfill import backfill

    seeds, bids = Backfill(make="bids", end=3, block=2), BidSettings(samples=2)
    assert backfill(seeds.model_copy(update={"limit": 1}), bids=bids).made == 1
    assert backfill(seeds, bids=bids).made == 2
    before = files(home / "data" / "bids")
    assert backfill(seeds, bids=bids).present == 3
    assert list(files(home / "data" / "bids").items()) == list(before.items())
    assert len(before) == 3


@pytest.mark.usefixtures("home")
def test_a_block_that_fails_is_tried_again_alone_and_named_in_the_end(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    from flows.backfill import backfill

    (tmp_path / "val").write_text("a file where a folder has to be")
    seeds = Backfill(start=898, end=902, folder=tmp_path, block=2, attempts=2)
    with pytest.raises(ForgeError, match=r"seeds 900-901: Failed.*2 made, 0 already there, 2 missing, 1 blocks failed"):
        backfill(seeds, FEW)
    assert log.text.count("seeds 900-901, attempt") == 2
    assert len(files(tmp_path / "train")) == 2
    (tmp_path / "val").unlink()
    mended = backfill(seeds, FEW)
    assert (mended.made, mended.present, mended.missing) == (2, 2, 0)


@pytest.mark.usefixtures("home")
def test_a_folder_of_other_settings_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    from flows.backfill import backfill

    backfill(Backfill(end=1, folder=tmp_path), FEW)
    with pytest.raises(InputError, match="shards made with"):
        backfill(Backfill(end=2, folder=tmp_path), ShardSettings(states_per_deal=21))
    assert len(files(tmp_path)) == 1
