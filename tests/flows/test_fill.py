"""Folders that are filled: only what is missing, in every mode, stopped and gone on with."""

import importlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml

from configs.modal import Place
from configs.pipeline import DealSeries, SeedSeries
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.deals import DealMode
from forge_core.shards.settings import ShardSettings

pytestmark = pytest.mark.usefixtures("home")

FEW = ShardSettings(states_per_deal=20)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.p*t*"))}


def test_only_what_is_missing_or_damaged_is_made(tmp_path: Path) -> None:
    from flows.fill import fill_shards

    deals = DealSeries(start=898, count=4)
    assert fill_shards(tmp_path, deals, FEW).made == 4
    before = files(tmp_path)
    assert next(iter(before)) == "train/seed_00000898_decl_8.parquet"
    (tmp_path / "train" / "seed_00000898_decl_8.parquet").unlink()
    damaged = tmp_path / "val" / "seed_00000900_decl_0.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-7])
    assert fill_shards(tmp_path, deals, FEW).made == 2
    assert files(tmp_path) == before
    assert fill_shards(tmp_path, deals, FEW).made == 0


def test_more_opponents_later_make_only_the_new_deals(tmp_path: Path) -> None:
    from flows.fill import fill_shards

    def deals(opponents: int, limit: int | None = None) -> DealSeries:
        return DealSeries(start=5, count=2, mode=DealMode.MARGINALIZED, opponent_seeds=opponents, limit=limit)

    assert fill_shards(tmp_path, deals(1), FEW).made == 2
    assert fill_shards(tmp_path, deals(2, limit=1), FEW).made == 1
    assert fill_shards(tmp_path, deals(2), FEW).made == 1
    assert [path.name for path in sorted(tmp_path.rglob("*.parquet"))] == [
        f"seed_{seed:08d}_opp{opponent}_decl_{seed}.parquet" for seed in (5, 6) for opponent in (0, 1)
    ]


def test_how_many_files_a_series_makes_at_most() -> None:
    assert SeedSeries(count=7).most == 7
    assert SeedSeries(limit=3).most == 3
    assert SeedSeries().most is None
    assert DealSeries(count=7, mode=DealMode.ALL_DECLARATIONS).most == 70
    assert DealSeries(count=7, mode=DealMode.MARGINALIZED, opponent_seeds=2, limit=10).most == 10


@pytest.mark.parametrize("name", ["fill_shards", "fill_games", "fill_bids"])
def test_one_executor_makes_it_all_and_knows_how_much_that_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that work on Modal is agreed to once, for all of it."""
    from flows import fill

    asked: list[object] = []
    monkeypatch.setattr(fill, "executor_for", lambda on, *, items, device="auto": asked.append((on, items)))
    monkeypatch.setattr(fill, "fill_up", lambda *_: None)
    place, series = Place(gpus=("T4",)), DealSeries(count=70, limit=50)
    getattr(fill, name).fn(tmp_path, series, on=place)
    assert asked == [(place, 50)]


def test_large_deals_are_skipped_and_named(tmp_path: Path) -> None:
    from flows.fill import fill_shards

    report = fill_shards(tmp_path, DealSeries(start=0, count=2), FEW.model_copy(update={"max_states": 6_000_000}))
    assert report.made == 1
    assert [str(path) for path in report.skipped] == ["train/seed_00000000_decl_0.parquet"]


def test_a_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    from flows.fill import fill_shards

    fill_shards(tmp_path, DealSeries(start=1, count=1), FEW)
    with pytest.raises(InputError, match="shards made with"):
        fill_shards(tmp_path, DealSeries(start=1, count=2), ShardSettings(states_per_deal=21))


def test_ctrl_c_ends_an_endless_run_after_its_block(tmp_path: Path) -> None:
    from flows.fill import fill_shards
    from flows.fillers import ShardFiller

    def interrupt() -> None:
        while not list(tmp_path.rglob("*.parquet")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    usual = signal.getsignal(signal.SIGINT)
    threading.Thread(target=interrupt).start()
    report = fill_shards(tmp_path, DealSeries(start=1), FEW)
    assert report.made == ShardFiller.fill_block
    assert len(files(tmp_path)) == ShardFiller.fill_block
    assert signal.getsignal(signal.SIGINT) == usual


def test_games_are_filled_likewise(tmp_path: Path) -> None:
    from flows.fill import fill_games

    settings = EqSettings(n_worlds=2, enumerate_up_to=2)
    assert fill_games(tmp_path, SeedSeries(start=0, count=3, limit=2), settings).made == 2
    before = files(tmp_path)
    assert fill_games(tmp_path, SeedSeries(start=0, count=3), settings).made == 1
    assert {name: content for name, content in files(tmp_path).items() if name in before} == before


def test_bids_are_filled_likewise_and_a_foreign_seat_model_is_refused(tmp_path: Path) -> None:
    from flows.fill import fill_bids

    settings = BidSettings(samples=2, playouts=1, seat_model="highest")
    assert fill_bids(tmp_path, SeedSeries(start=899, count=3, limit=2), settings).made == 2
    before = files(tmp_path)
    assert list(before) == ["train/seed_00000899.parquet", "val/seed_00000900.parquet"]
    assert fill_bids(tmp_path, SeedSeries(start=899, count=3), settings).made == 1
    assert {name: content for name, content in files(tmp_path).items() if name in before} == before
    with pytest.raises(InputError, match="filled with"):
        fill_bids(tmp_path, SeedSeries(count=1), settings.model_copy(update={"samples": 3}))
    with pytest.raises(InputError, match="Got the player 'nobody'"):
        fill_bids(None, SeedSeries(count=1), settings.model_copy(update={"seat_model": "nobody"}))


def test_the_store_is_filled_by_the_same_code_in_every_mode() -> None:
    from flows.fill import fill_bids, fill_games, fill_shards
    from flows.fillers import ShardFiller, gaps

    deals = DealSeries(start=49, count=3)
    assert fill_shards(None, deals.model_copy(update={"limit": 2}), FEW).made == 2
    filler = ShardFiller.of(deals, FEW)
    assert [[item.seed for item in block] for block in gaps(filler, deals, None)] == [[50, 51]]
    assert fill_shards(None, deals, FEW).made == 2
    assert list(gaps(filler, deals, None)) == []
    assert fill_shards(None, deals, FEW).made == 0
    opponents = DealSeries(start=1, count=1, mode=DealMode.MARGINALIZED, opponent_seeds=2)
    assert fill_shards(None, opponents, FEW).made == 2
    games = EqSettings(n_worlds=2, enumerate_up_to=2)
    assert fill_games(None, SeedSeries(count=2), games).made == 2
    assert fill_games(None, SeedSeries(count=2), games).made == 0
    bids = BidSettings(samples=2)
    assert fill_bids(None, SeedSeries(count=2), bids).made == 2
    assert fill_bids(None, SeedSeries(count=2), bids).made == 0


def test_no_two_flows_share_a_name() -> None:
    deployments = yaml.safe_load(Path("prefect.yaml").read_text())["deployments"]
    names: dict[str, set[str]] = {}
    for entry in {each["entrypoint"] for each in deployments}:
        module, name = entry.removesuffix(".py").split(".py:")
        flow = getattr(importlib.import_module(module.replace("/", ".")), name)
        names.setdefault(flow.name, set()).add(entry)
    assert {name: entries for name, entries in names.items() if len(entries) > 1} == {}
    assert {
        "generate-oracle",
        "generate-eq",
        "pipeline",
        "backfill",
        "fill-shards",
        "fill-games",
        "fill-bids",
        "bids",
    } <= set(names)
