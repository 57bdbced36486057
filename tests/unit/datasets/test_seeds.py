"""One bound for seeds and one message, at every door."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from configs.operation import Backfill
from configs.pipeline import DealSeries, SeedRange, SeedSeries
from flows.cli.options import build
from forge_core.errors import InputError
from forge_core.expected_q.dataset import Games
from forge_core.learn.settings import StreamSettings, TrainSettings
from forge_core.rules import deal_from_seed, deal_with_fixed_hand
from forge_core.rules.deal import MAX_SEED
from forge_core.shards.dataset import Shards
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings

MESSAGE = r"from 0 to 9223372036854775807 \(2\^63 - 1\)"
DOORS: list[tuple[type[BaseModel], str]] = [
    (SeedRange, "start"),
    (SeedSeries, "start"),
    (DealSeries, "start"),
    (Backfill, "start"),
    (TokenSettings, "seed"),
    (TrainSettings, "seed"),
    (StreamSettings, "first_seed"),
]


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 2**64, 10**30])
@pytest.mark.parametrize(("model", "name"), DOORS)
def test_settings_refuse_what_is_no_seed(model: type[BaseModel], name: str, seed: int) -> None:
    others = {"count": 1} if model is SeedRange else {"end": seed + 1} if model is Backfill else {}
    with pytest.raises(InputError, match=f"{name} = {seed}.*{MESSAGE}"):
        build(model, {name: seed, **others})
    schema: dict[str, Any] = model.model_json_schema()["properties"][name]
    assert (schema["type"], schema["minimum"], schema["maximum"]) == ("integer", 0, MAX_SEED)
    assert schema["description"]


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_deals_and_items_refuse_it_likewise(seed: int) -> None:
    for call in (
        lambda: deal_from_seed(seed),
        lambda: deal_with_fixed_hand(range(7), seed),
        lambda: DealRequest(seed, None, 0),
        lambda: DealRequest(0, seed, 0),
        lambda: list(Shards().items([seed])),
        lambda: Games().relative_path(seed),
    ):
        with pytest.raises(InputError, match=MESSAGE):
            call()


def test_ranges_end_within_the_bound() -> None:
    assert SeedRange(start=MAX_SEED, count=1).seeds()[-1] == MAX_SEED
    assert Backfill(start=MAX_SEED, end=MAX_SEED + 1).seeds[-1] == MAX_SEED
    for settings in (
        lambda: SeedRange(start=MAX_SEED, count=2),
        lambda: SeedSeries(start=MAX_SEED, count=2),
        lambda: Backfill(start=MAX_SEED, end=MAX_SEED + 2),
    ):
        with pytest.raises(ValidationError, match=f"last seed {MAX_SEED + 1}.*{MESSAGE}"):
            settings()


def test_the_largest_seed_is_a_seed(tmp_path: Any) -> None:
    from forge_core.shards.generate import write_deal
    from forge_core.tokens.arrays import load_split
    from forge_core.tokens.dataset import tokenize

    request = DealRequest.standard(MAX_SEED)
    write_deal(request, ShardSettings(states_per_deal=10), tmp_path / "shards")
    tokenize([tmp_path / "shards"], tmp_path / "tokens", TokenSettings())
    assert set(load_split(tmp_path / "tokens", request.split).seed) == {MAX_SEED}
