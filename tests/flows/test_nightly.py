"""Data sets that grow by themselves, and end quietly when there is enough."""

import shutil
from pathlib import Path

from configs.operation import Growth
from forge_core.bids.settings import BidSettings
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.manifest import read_manifest


def test_every_night_makes_the_next_seeds_and_tokens_of_all_until_there_are_enough(home: Path) -> None:
    from flows.nightly import grow_shards

    growth, few = Growth(seeds=2, enough=3), ShardSettings(states_per_deal=20)
    messages: list[tuple[str | None, str | None]] = []
    for _ in range(3):
        state = grow_shards(growth, few, return_state=True)
        messages.append((state.name, state.message))
    assert messages == [
        ("Completed", "2 made, 0 already there, 1 missing"),
        ("Completed", "1 made, 2 already there, 0 missing"),
        ("Enough", "0 made, 3 already there, 0 missing"),
    ]
    assert sorted(path.name for path in (home / "data" / "shards").rglob("*.parquet")) == [
        f"seed_{seed:08d}_decl_{seed}.parquet" for seed in range(3)
    ]
    manifest = read_manifest(home / "data" / "tokens")
    assert manifest.samples == {"train": 60, "val": 0, "test": 0}
    assert len(manifest.inputs) == 3

    shutil.rmtree(home / "data" / "tokens")
    assert grow_shards(growth, few, return_state=True).name == "Enough"
    assert read_manifest(home / "data" / "tokens") == manifest, "a complete data set has its arrays"


def test_deals_that_are_too_large_do_not_come_again_every_night(home: Path) -> None:
    """Of the first four deals only the second has less than 6 million states."""
    from flows.nightly import grow_shards

    growth, few = Growth(seeds=2, enough=4), ShardSettings(states_per_deal=20, max_states=6_000_000)
    states = [grow_shards(growth, few, return_state=True) for _ in range(3)]
    assert [(state.name, state.message) for state in states] == [
        ("Completed", "1 made, 0 already there, 2 missing, 1 too large"),
        ("Enough", "0 made, 1 already there, 0 missing, 3 too large"),
        ("Enough", "0 made, 1 already there, 0 missing, 3 too large"),
    ]


def test_games_grow_likewise(home: Path) -> None:
    from flows.nightly import grow_games

    games = EqSettings(n_worlds=2, enumerate_up_to=2)
    states = [grow_games(Growth(seeds=1, enough=1), games, return_state=True) for _ in range(2)]
    assert [state.name for state in states] == ["Completed", "Enough"]
    assert len(list((home / "data" / "games").rglob("*.pt"))) == 1


def test_bids_grow_likewise(home: Path) -> None:
    from flows.nightly import grow_bids

    bids = BidSettings(samples=2)
    states = [grow_bids(Growth(seeds=1, enough=2), bids, return_state=True) for _ in range(3)]
    assert [(state.name, state.message) for state in states] == [
        ("Completed", "1 made, 0 already there, 1 missing"),
        ("Completed", "1 made, 1 already there, 0 missing"),
        ("Enough", "0 made, 2 already there, 0 missing"),
    ]
    assert len(list((home / "data" / "bids").rglob("*.parquet"))) == 2
