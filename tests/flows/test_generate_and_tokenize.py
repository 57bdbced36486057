"""From seeds to training arrays, through the flows: caching, damage and folders of the user's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.errors import StoreError
from forge_core.shards.read import read_shard
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.manifest import read_manifest
from forge_core.tokens.settings import TokenSettings

Stages = Callable[[], list[str]]

DEALS = (SeedRange(start=48, count=3), SeedRange(start=900, count=1), SeedRange(start=950, count=1))
SHARDS = ShardSettings(states_per_deal=50)


def test_second_run_is_cached_and_changes_recompute_what_is_behind_them(stages: Stages) -> None:
    from flows.stages import generate, tokenize

    shards: list[Reference | Path] = [*generate(DEALS, SHARDS)]
    tokens = tokenize(shards, TokenSettings())
    assert stages() == ["generate made"] * 4 + ["tokenize made"]

    assert generate(DEALS, SHARDS) == shards
    assert tokenize(shards, TokenSettings()) == tokens
    assert stages() == ["generate cached"] * 4 + ["tokenize cached"]

    tokenize(shards, TokenSettings(samples_per_shard=10))
    assert stages() == ["tokenize made"]
    generate((SeedRange(start=49, count=1), *DEALS), SHARDS)
    assert stages() == ["generate made"] + ["generate cached"] * 4


def test_damaged_and_deleted_objects_are_made_again_and_the_log_says_why(
    log: pytest.LogCaptureFixture, stages: Stages
) -> None:
    from flows.stages import generate
    from tasks.run import store

    first, *others = generate(DEALS, SHARDS)
    shard = next(store().path(first).rglob("*.parquet"))
    shard.chmod(0o644)
    shard.write_bytes(shard.read_bytes()[:-20])
    stages()
    assert generate(DEALS, SHARDS) == [first, *others]
    assert f"Stored {first.short}: its file {shard.relative_to(store().path(first))} was changed" in log.text
    assert stages() == ["generate made"] + ["generate cached"] * 3

    store().path(first).with_suffix(".json").unlink()
    with pytest.raises(StoreError):
        store().path(first)
    assert generate(DEALS, SHARDS) == [first, *others]
    assert f"Stored {first.short}: it was deleted" in log.text
    assert stages() == ["generate made"] + ["generate cached"] * 3


@pytest.mark.usefixtures("home")
def test_folders_of_the_users_give_the_same_tokens(tmp_path: Path) -> None:
    from flows.stages import generate, tokenize
    from tasks.run import store

    made = generate(DEALS, SHARDS)
    for each in made:
        store().checkout(each, tmp_path / "shards")
    assert len(list((tmp_path / "shards").rglob("seed_*.parquet"))) == 5
    assert read_shard(tmp_path / "shards" / "train" / "seed_00000048_decl_8.parquet").metadata.rows == 50

    tokens = tokenize([*made], TokenSettings())
    assert tokenize([tmp_path / "shards"], TokenSettings(), output=tmp_path / "tokens").digest == tokens.digest
    assert read_manifest(tmp_path / "tokens").samples == {"train": 150, "val": 50, "test": 50}


def test_failing_flow_raises_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    from flows.stages import tokenize

    bad = tmp_path / "bad" / "train"
    bad.mkdir(parents=True)
    (bad / "seed_00000000_decl_0.parquet").write_bytes(b"PAR1")
    with pytest.raises(Exception, match="seed_00000000_decl_0"):
        tokenize([tmp_path / "bad"], TokenSettings(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list((home / "store").glob("building/*"))
    assert not list((home / "store").glob("keys/*/*"))
