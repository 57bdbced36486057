"""The flywheel: every turn trains from the champion, on train seeds alone, and says where it stands."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from configs.evaluation import EvaluationSettings
from configs.operation import Backfill, Growth
from forge_core.learn.settings import TrainSettings
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split, split_of
from forge_core.shards.strategy import Strategy
from forge_core.tokens.settings import TokenSettings

TRAIN = TrainSettings.model_validate({"epochs": 1, "batch_size": 64, "samples_per_epoch": 128})
QUICK = EvaluationSettings(deals=2, states_per_deal=20, strategies=(Strategy.UNIFORM,))
FEW = ShardSettings(states_per_deal=20)


def states_of(run: str) -> list[str]:
    """The names of the states that a run went through, as its page shows them."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return [
            str(state["name"])
            for state in client.request("GET", "/flow_run_states/", params={"flow_run_id": run}).json()
        ]


def test_a_turn_trains_from_the_champion_on_train_seeds_and_promotes_what_is_better(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.backfill import backfill
    from flows.flywheel import flywheel
    from tasks.dataset import tokens_of
    from tasks.models import catalog
    from tasks.run import store

    monkeypatch.setenv("FORGE_MODELS", str(tmp_path / "models"))
    folder = home / "data" / "shards"
    for start in (900, 950):  # seeds of val and test are in the data set, too
        backfill(Backfill(start=start, end=start + 2), FEW)
    growth = Growth(seeds=3, enough=1000)
    state = flywheel(growth, TRAIN, FEW, TokenSettings(), QUICK, return_state=True)
    assert state.name == "Promoted"
    assert "from the seed's weights" in str(state.message)
    names = states_of(str(state.state_details.flow_run_id))
    assert names == ["Pending", "Running", "Generating", "Training", "Evaluating", "Comparing", "Promoted"]
    champion = catalog().find("champion")
    assert champion is not None

    train = store().path(tokens_of(champion)) / "train"
    seeds = {int(seed) for seed in np.unique(np.load(train / "seed.npy"))}
    assert seeds == {0, 1, 2}
    assert {split_of(seed) for seed in seeds} == {Split.TRAIN}

    larger = TRAIN.model_copy(update={"size": "small"})  # not what the champion is, so not what is trained
    again = flywheel(growth, larger, FEW, TokenSettings(), QUICK, return_state=True)
    assert again.name in ("Promoted", "NotBetter")
    assert f"from {champion.name}" in str(again.message)
    assert len(list(folder.rglob("*.parquet"))) == 10
    trained = [store().path(entry.reference) for entry in store().entries() if entry.key.stage == "train"]
    starts = [json.loads((folder / "config.json").read_text())["initial_digest"] for folder in trained]
    weights = hashlib.sha256((champion / "model.safetensors").read_bytes()).hexdigest()
    assert sorted(starts, key=str) == sorted([None, weights], key=str)
