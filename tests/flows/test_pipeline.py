"""The whole chain at its smallest, and what a changed setting recomputes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import to_jsonable_python

from configs.pipeline import PipelineSettings, load_preset, preset_names
from flows.cli.results import pipeline_json
from forge_core.errors import InputError
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.settings import TrainSettings

Stages = Callable[[], list[str]]

TINY = PipelineSettings.model_validate(
    {
        "deals": [{"start": 0, "count": 2}, {"start": 900, "count": 1}, {"start": 950, "count": 1}],
        "shards": {"states_per_deal": 60},
        "train": {"epochs": 1, "batch_size": 64},
        "games": {"count": 1},
        "expected_q": {"n_worlds": 2},
        "match": {"a": "model:trained,worlds=2", "b": "highest"},
        "match_deals": {"count": 2},
    }
)
SOLVED = ["generate"] * 3


def changed(**settings: object) -> PipelineSettings:
    return PipelineSettings.model_validate(TINY.model_dump() | settings)


def said(outcome: str, *stages: str) -> list[str]:
    return [f"{stage} {outcome}" for stage in stages]


def test_pipeline_recomputes_a_changed_stage_and_those_behind_it_alone(stages: Stages) -> None:
    from flows.stages import pipeline

    first = pipeline(TINY)
    assert stages() == said("made", *SOLVED, "tokenize", "train", "evaluate", "export", "generate-eq", "arena")
    assert (first.tally.made, first.tally.cached) == (9, 0)

    told = json.loads(json.dumps(to_jsonable_python(pipeline_json(first))))
    assert len(told["objects"]) == len(first.references)
    assert told["evaluation"]["given"]["model"]["overall"]["samples"] > 0

    second = pipeline(TINY)
    assert stages() == said("cached", *SOLVED, "tokenize", "train", "evaluate", "export", "generate-eq", "arena")
    assert second.references == first.references
    assert (second.tally.made, second.tally.cached) == (0, 9)

    third = pipeline(changed(train=TrainSettings.model_validate({"epochs": 2, "batch_size": 64})))
    ahead = said("cached", *SOLVED, "tokenize")
    assert stages() == [*ahead, *said("made", "train", "evaluate", "export"), "generate-eq cached", "arena made"]
    assert third.tokens == first.tokens
    assert third.model != first.model

    pipeline(changed(oracle="model"))
    ahead = said("cached", *SOLVED, "tokenize", "train", "evaluate", "export")
    assert stages() == [*ahead, "generate-eq made", "arena cached"]
    pipeline(changed(expected_q=EqSettings.model_validate({"n_worlds": 3})))
    assert stages()[-2:] == ["generate-eq made", "arena cached"]


def test_what_a_run_leaves_for_people(stages: Stages, home: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    from flows.evaluation_report import metric_rows
    from flows.report import pipeline_rows
    from flows.stages import pipeline
    from forge_view.pages import key_of
    from tasks import tracking

    state = pipeline(TINY, return_state=True)
    result = state.result()
    rows = {row[0]: row[1] for row in pipeline_rows(result)}
    assert rows["deals solved"] == "4"
    assert rows["samples, test"] == "60"
    assert rows["E[Q] games"] == "1"
    assert {row[0] for row in metric_rows(result.evaluation, "given")} >= {"q_gap", "accuracy"}
    assert tracking.recall(result.model) is not None
    assert (home / "mlflow" / "mlflow.db").exists()
    assert state.state_details.flow_run_id is not None
    with get_client(sync_client=True) as client:
        run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
        keys = {artifact.key for artifact in client.read_artifacts(artifact_filter=run)}
    objects = {key_of(each) for each in (result.tokens, result.model, result.onnx)}
    assert keys >= {
        "shards",
        "metrics",
        "regret-given-plot",
        "calibration-given-plot",
        "match",
        "pipeline",
        *objects,
    }
    assert any(key.startswith("games-of-") for key in keys if key)
    assert stages()


def test_interrupted_training_goes_on_and_ends_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    from mlflow import MlflowClient

    from flows.stages import generate, tokenize, train
    from forge_core.learn.lit_module import SaveLast
    from tasks.run import store

    settings = TrainSettings.model_validate({"epochs": 3, "batch_size": 64})
    tokens = tokenize([*generate(TINY.deals, TINY.shards)], TINY.tokens)
    whole = train(tokens, settings)
    next(store().root.glob(f"objects/*/{whole.digest}.json")).unlink()

    save = SaveLast.on_train_epoch_end

    def save_and_stop(self: SaveLast, trainer: object, module: object) -> None:
        save(self, trainer, module)  # pyright: ignore[reportArgumentType]
        raise RuntimeError("as if it was killed here")

    monkeypatch.setattr(SaveLast, "on_train_epoch_end", save_and_stop)
    with pytest.raises(RuntimeError, match="killed here"):
        train(tokens, settings)
    monkeypatch.setattr(SaveLast, "on_train_epoch_end", save)
    assert not list((home / "store").glob("building/*"))

    log.clear()
    assert train(tokens, settings) == whole
    assert "goes on from the checkpoint" in log.text
    assert not list((home / "training").iterdir())
    client = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    tracked = client.search_runs(["1"])
    assert [run.info.status for run in tracked] == ["FINISHED"] * 2, "the one that was killed went on"
    assert [len(client.get_metric_history(run.info.run_id, "train/loss")) for run in tracked] == [3, 3]


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid(name: str) -> None:
    assert load_preset(name).deals


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="demo, local"):
        load_preset("dmeo")
