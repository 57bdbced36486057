"""MLflow runs: what they record, and that nothing but the record is lost when they fail."""

import os
from pathlib import Path

import pytest

from forge_core.artifacts.reference import Reference
from tasks import tracking


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh installation, without any server."""
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORGE_MODELS", str(tmp_path / "models"))
    return tmp_path / "home"


def test_run_keeps_parameters_metrics_and_files(home: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "curves.png").write_bytes(b"a picture")
    with tracking.tracked("train", parameters={"epochs": 3}, tags={"dataset": "abc"}) as run:
        for step in range(3):
            run.metrics({"val/q_gap": 3.0 - step}, step)
        run.file(tmp_path / "curves.png")
    assert run.name is not None
    client = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    found = client.get_run(run.name.run)
    assert (found.info.status, found.data.params, found.data.tags["dataset"]) == ("FINISHED", {"epochs": "3"}, "abc")
    assert [point.value for point in client.get_metric_history(run.name.run, "val/q_gap")] == [3.0, 2.0, 1.0]
    assert next((home / "mlflow" / "artifacts").rglob("curves.png")).read_bytes() == b"a picture"

    model = Reference(kind="model", digest="0" * 64, size=1, files=1)
    assert tracking.recall(model) is None
    tracking.remember(model, run.name)
    assert tracking.recall(model) == run.name
    assert tracking.address(run.name).endswith(f"/#/experiments/{run.name.experiment}/runs/{run.name.run}")


def test_a_killed_run_goes_on_or_is_shown_as_killed_and_a_failed_one_stays_failed(home: Path) -> None:
    from mlflow import MlflowClient

    def start(*, goes_on: bool = False) -> tracking.TrackedRun:
        return tracking.TrackedRun("train", {}, {"key": "abc"}, goes_on=goes_on)

    def killed(run: tracking.TrackedRun) -> str:
        """End the process of a run, as far as MLflow can see."""
        run._calls.shutdown()
        assert run.name is not None
        return run.name.run

    with pytest.raises(RuntimeError), tracking.tracked("train", parameters={}, tags={"key": "abc"}) as run:
        raise RuntimeError("no luck")
    assert run.name is not None
    failed, first = run.name.run, killed(start())
    second = killed(start())
    with tracking.tracked("train", parameters={}, tags={"key": "abc"}, goes_on=True) as run:
        pass
    assert run.name is not None
    assert run.name.run == second
    client = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    states = {each.info.run_id: each.info.status for each in client.search_runs([run.name.experiment])}
    assert states == {failed: "FAILED", first: "KILLED", second: "FINISHED"}


@pytest.mark.parametrize("damage", ["", '{"experi', "[]", '{"other": 1}', "\udcff"])
def test_a_damaged_note_of_a_run_is_no_note(home: Path, damage: str) -> None:
    model = Reference(kind="model", digest="0" * 64, size=1, files=1)
    tracking.remember(model, tracking.RunName("1", "2"))
    (home / "mlflow" / "runs" / f"{model.digest}.json").write_bytes(damage.encode(errors="surrogateescape"))
    assert tracking.recall(model) is None
    assert tracking.object_of("2") is None
    tracking.remember(model, tracking.RunName("1", "2"))
    assert tracking.object_of("2") == model.digest


def test_the_callers_variables_for_mlflow_do_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACKING_URI", "REGISTRY_URI", "ARTIFACT_URI"):
        monkeypatch.setenv(f"MLFLOW_{name}", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "meant for another server")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    (home / "model").mkdir(parents=True)
    (home / "model" / "config.json").write_text("{}")
    with tracking.tracked("train", parameters={}, tags={}) as run:
        run.register("ours", home / "model", {"weights": "abc"}, champion=True)
    assert run.name is not None
    assert "MLFLOW_TRACKING_TOKEN" not in os.environ
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    assert client.get_model_version_by_alias("ours", "champion").run_id == run.name.run


def test_a_model_is_found_by_the_run_that_trained_it(home: Path, tmp_path: Path) -> None:
    from forge_core.errors import InputError
    from tasks.models import find_model

    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_text(name)
    with tracking.tracked("train", parameters={}, tags={}) as run:
        for name in ("model.safetensors", "config.json"):
            run.file(tmp_path / name)
    assert run.name is not None
    folder = find_model(run.name.run)  # its object is not in this store, but MLflow has the files
    assert isinstance(folder, Path)
    assert (folder / "model.safetensors").read_text() == "model.safetensors"
    with pytest.raises(InputError, match="names no model"):
        find_model("0" * 32)
    with tracking.tracked("other", parameters={}, tags={}) as run:
        pass
    assert run.name is not None
    with pytest.raises(InputError, match="names no model"):
        find_model(run.name.run)


def test_registered_models_have_a_version_and_an_alias_and_only_one_each(home: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"weights")
    for weights in ("one", "one", "two", "one"):
        with tracking.tracked("promote", parameters={}, tags={}) as run:
            run.register("domino-qvalue", tmp_path / "model", {"weights": weights, "dataset": "abc"}, champion=True)
    client = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    versions = client.search_model_versions("name='domino-qvalue'")
    assert sorted(version.tags["weights"] for version in versions) == ["one", "two"]
    champion = client.get_model_version_by_alias("domino-qvalue", "champion")
    assert champion.tags == {"weights": "one", "dataset": "abc"}
    assert (Path(champion.source or "") / "model.onnx").read_bytes() == b"weights"


def test_failing_work_fails_the_run(home: Path) -> None:
    from mlflow import MlflowClient

    def fail() -> tracking.TrackedRun:
        with tracking.tracked("train", parameters={}, tags={}) as run:
            runs.append(run)
            raise RuntimeError("no good")

    runs: list[tracking.TrackedRun] = []
    with pytest.raises(RuntimeError, match="no good"):
        fail()
    name = runs[0].name
    assert name is not None
    assert MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}").get_run(name.run).info.status == "FAILED"


@pytest.mark.usefixtures("home")
def test_tracking_that_fails_is_told_and_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FORGE_MLFLOW_URI", "nonsense://nowhere")
    monkeypatch.setattr(tracking.logger, "handlers", [caplog.handler])
    with tracking.tracked("train", parameters={}, tags={}) as run:
        run.metrics({"loss": 1.0})
    assert run.name is None
    assert "MLflow did not record the run" in caplog.text
