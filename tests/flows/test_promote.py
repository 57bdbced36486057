"""Promotion: who becomes the champion, who does not, and what the catalog and MLflow's registry keep of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from configs.evaluation import EvaluationSettings
from flows.cli import app
from forge_core.errors import InputError
from forge_core.files import sha256_of
from forge_core.learn.settings import WEIGHTS, TrainSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

FEW = EvaluationSettings.model_validate({"deals": 8, "states_per_deal": 60})
WORDS = ["--set", "deals=8", "--set", "states_per_deal=60"]


def _model(folder: Path, seed: int, *, trained_on: str = "a processor") -> Path:
    """A model that has learned nothing, which is enough to be promoted."""
    from forge_core.learn.model import config_of, write_model
    from forge_core.learn.network import build_network

    settings = TrainSettings.model_validate({"seed": seed})
    network = build_network(settings.architecture, settings.kind, seed)
    origin = {"dataset_digest": "0" * 64, "trained_on": trained_on}
    write_model(folder, network, config_of(network, settings, best_epoch=0, **origin))
    return folder


def _trained(folder: Path) -> Path:
    """A model that has learned for a moment, and plays better than one that has not."""
    from configs.pipeline import SeedRange
    from flows.stages import generate, tokenize, train
    from forge_core.shards.settings import ShardSettings
    from forge_core.tokens.settings import TokenSettings

    deals = (SeedRange(start=0, count=40), SeedRange(start=900, count=4))
    shards = generate(deals, ShardSettings(states_per_deal=300))
    learning = {"epochs": 4, "batch_size": 256, "samples_per_epoch": 12_000, "precision": "32-true"}
    train(tokenize([*shards], TokenSettings()), TrainSettings.model_validate(learning), output=folder)
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def one_store(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of these tests has solved, measured or exported, the next ones find in the store."""
    monkeypatch.setenv("FORGE_STORE", str(kept))


def _registry(home: Path) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")


def _catalog(home: Path) -> Path:
    return home.parent / "models"


def test_who_becomes_the_champion(home: Path, tmp_path: Path) -> None:
    from flows.stages import promote
    from forge_core import learn

    first = promote(_model(tmp_path / "first", 0), settings=FEW)
    assert (first.promoted, first.reason) == (True, "the first of its kind")
    assert first.name is not None
    assert first.name.startswith("domino-qval-tiny-")
    folder = _catalog(home) / first.name
    assert {path.name for path in folder.iterdir()} == {
        *("SHA256SUMS", "config.json", "metrics.json", "model.onnx", "model.safetensors")
    }
    card = json.loads((folder / "metrics.json").read_text())
    assert set(card["test"]) == {"uniform", "by_depth", "played"}
    assert {scores["samples"] for scores in card["test"].values()} == {480}
    assert {scores["deals"] for scores in card["test"].values()} == {8}
    assert card["trained_on"] == "a processor"
    assert card["test"]["by_depth"]["opening_leads"]["samples"] == 8
    assert learn.load("champion", kind="qvalue", catalog=_catalog(home)).digest

    client = _registry(home)
    version = client.get_model_version_by_alias("domino-qvalue", "champion")
    assert version.version in (1, "1")
    assert version.tags["name"] == first.name
    assert version.tags["dataset"] == "0" * 64
    assert len(version.tags["code"]) == 64
    assert version.tags["parent"] == "none"
    assert client.get_run(version.run_id or "").data.metrics["test/uniform/q_gap"] == card["test"]["uniform"]["q_gap"]
    kept = [path.name for path in (home / "mlflow" / "artifacts" / (version.run_id or "")).rglob("model*")]
    assert {"model.safetensors", "model.onnx"} <= set(kept)

    again = promote(tmp_path / "first", settings=FEW)  # changes nothing
    assert (again.promoted, again.name, again.reason) == (True, first.name, "it is the champion already")
    assert len(client.search_model_versions("name='domino-qvalue'")) == 1

    before = {path: path.read_bytes() for path in _catalog(home).rglob("*") if path.is_file()}
    other = promote(_model(tmp_path / "other", 1), settings=FEW)
    assert (other.promoted, other.name) == (False, None)
    assert other.reason.startswith(f"not better: q_gap on val against {first.name}: ")
    assert "95 % interval" in other.reason
    assert before == {path: path.read_bytes() for path in _catalog(home).rglob("*") if path.is_file()}

    better = promote(_trained(tmp_path / "better"), settings=FEW)
    assert better.promoted, better.reason
    assert (
        learn.load("champion", catalog=_catalog(home)).digest
        == learn.load(str(better.name), catalog=_catalog(home)).digest
    )
    origin = json.loads((_catalog(home) / str(better.name) / "metrics.json").read_text())["origin"]
    assert origin["champion"] == first.name
    assert origin["gain"]["high"] < 0
    assert origin["forced"] is None
    assert client.get_model_version_by_alias("domino-qvalue", "champion").tags["name"] == better.name

    back = promote(tmp_path / "first", force="to see it", settings=FEW)  # the older one becomes the champion again
    assert (back.promoted, back.name) == (True, first.name)
    assert back.reason.startswith("forced: to see it (q_gap on val against ")
    assert client.get_model_version_by_alias("domino-qvalue", "champion").tags["name"] == first.name
    assert len(client.search_model_versions("name='domino-qvalue'")) == 2

    third = promote(_model(tmp_path / "third", 2), beside=True, settings=FEW)
    assert (third.promoted, third.champion) == (True, False)
    assert learn.load(str(third.name), catalog=_catalog(home)).kind == "qvalue"
    assert learn.load("champion", catalog=_catalog(home)).digest == sha256_of(
        _catalog(home) / str(first.name) / WEIGHTS
    )
    assert client.get_model_version_by_alias("domino-qvalue", "champion").tags["name"] == first.name


def test_a_promotion_that_died_before_mlflow_is_finished_by_the_next(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.stages import promote
    from tasks import tracking

    def die(*_args: object, **_options: object) -> None:
        raise RuntimeError("as if it was killed here")

    with monkeypatch.context() as patch:
        patch.setattr(tracking.TrackedRun, "register", die)
        with pytest.raises(RuntimeError, match="killed here"):
            promote(_model(tmp_path / "model", 0), settings=FEW)
    assert not _registry(home).search_model_versions("name='domino-qvalue'")
    name = promote(tmp_path / "model", settings=FEW).name
    assert _registry(home).get_model_version_by_alias("domino-qvalue", "champion").tags["name"] == name


@pytest.mark.usefixtures("home")
def test_a_model_of_unknown_origin_needs_a_word_about_its_device(tmp_path: Path) -> None:
    from flows.stages import promote

    model = _model(tmp_path / "model", 0, trained_on="")
    with pytest.raises(InputError, match="--trained-on"):
        promote(model, settings=FEW)
    assert not (tmp_path / "models").exists()
    assert promote(model, trained_on="an abacus", settings=FEW).promoted


def test_the_command_line(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    assert "No model has been promoted yet" in runner.invoke(app, ["models"]).stderr
    one = runner.invoke(app, ["promote", str(_model(tmp_path / "one", 0)), "--json", *WORDS])
    assert one.exit_code == 0, one.output
    name = json.loads(one.stdout)["name"]

    refused = runner.invoke(app, ["promote", str(_model(tmp_path / "two", 1)), *WORDS])
    assert refused.exit_code == 1
    assert "Got a model that is not better" in refused.stderr
    assert "--force" in refused.stderr

    listed = runner.invoke(app, ["models"])
    assert f"{name} (champion)" in listed.stdout
    assert [each["champion"] for each in json.loads(runner.invoke(app, ["models", "--json"]).stdout)] == [True]

    found = runner.invoke(app, ["evaluate", "--checkpoint", str(tmp_path / "two"), "--json", *WORDS])
    assert found.exit_code == 0, found.output
    everybody = json.loads(found.stdout)["played"]
    assert set(everybody) == {"model", "champion", "highest rank", "random play"}
    assert everybody["random play"]["overall"]["q_gap"] > 0
    champion = runner.invoke(app, ["evaluate", "--checkpoint", "champion", *WORDS])
    assert champion.exit_code == 0, champion.output
    assert all(words in champion.stdout for words in ("uniform", "by_depth", "played", "q_gap", "label_ceiling"))
