"""Training, evaluation and games on Modal, and fetching what is there."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from control_plane import ControlPlane

from configs.modal import Job, Place
from deployments import work
from deployments.modal_app import app
from forge_core.artifacts.collection import Collection, input_mark
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.artifacts.listing import foreign_source, list_folder
from forge_core.expected_q.files import read_game
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.export_report import REPORT, ExportReport, ExportSettings
from forge_core.learn.inference import load
from forge_core.learn.settings import TrainSettings
from forge_core.learn.train import LAST, Surroundings, train
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings
from tasks import evaluate, export
from tasks.elsewhere import work_on
from tasks.remote import journal
from tasks.remote.games import bring_games, make_games
from tasks.remote.single import make_there

SETTINGS = ShardSettings(states_per_deal=50)
CODE = ("forge_core.learn.train",)


@pytest.fixture
def deployed(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    app.deploy()
    return control_plane


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_block([DealRequest(seed, None, seed % 10) for seed in (0, 900, 950)], SETTINGS, folder / "shards")
    tokenize([folder / "shards"], folder / "tokens", TokenSettings())
    return folder / "tokens"


def test_a_model_trained_and_asked_on_modal(deployed: ControlPlane, tokens: Path, tmp_path: Path) -> None:
    settings = TrainSettings(epochs=2, batch_size=32, validation_samples=10).quick_check()
    recipe = {"code": ["forge_core.learn.train"], "settings": {"train": settings}}
    deployed.faults.die = {0: 1}  # in the middle of it
    with work_on(Place(agreed=True)):
        receipt = make_there("train", tmp_path / "model", **recipe, inputs=[foreign_source(tokens)])
        assert receipt.device == "cpu"
        model = foreign_source(tmp_path / "model")
        assert load(model.path).kind == "qvalue"
        files = make_games([0, 1], EqSettings(n_worlds=2), model)
        assert bring_games(files, [0, 1], tmp_path / "games") == 2
    assert read_game(tmp_path / "games" / "train" / "seed_00000001.pt").oracle[0] == "model"
    uploads = [call for call in deployed.calls if call.name.startswith("VolumePutFiles")]
    with work_on(Place(agreed=True)):
        make_there("train", tmp_path / "again", **recipe, inputs=[foreign_source(tokens)])
    assert list_folder(tmp_path / "again").digest == list_folder(tmp_path / "model").digest
    assert len([call for call in deployed.calls if call.name.startswith("VolumePutFiles")]) == len(uploads)


@pytest.fixture(scope="module")
def trained(tokens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    settings = TrainSettings(epochs=2, batch_size=32, validation_samples=10).quick_check()
    train(tokens, folder, settings, Surroundings(accelerator="cpu"))
    return folder


@pytest.mark.slow
def test_a_checkpoint_is_evaluated_on_modal_as_it_is_here(
    deployed: ControlPlane, tokens: Path, trained: Path, tmp_path: Path
) -> None:
    inputs = [foreign_source(trained / LAST), foreign_source(tokens)]
    settings = {"split": Split.VAL, "name": "given"}
    with work_on(Place(agreed=True)):
        make_there("evaluate", tmp_path / "there", code=evaluate.CODE, settings=settings, inputs=inputs)
    (tmp_path / "here").mkdir()
    evaluate.measure(tmp_path / "here", trained / LAST, tokens, Split.VAL, name="given")
    assert (tmp_path / "there" / evaluate.EVALUATION).read_text() == (
        tmp_path / "here" / evaluate.EVALUATION
    ).read_text()


@pytest.mark.slow
def test_a_model_is_exported_on_modal_without_the_gpu_that_it_does_not_use(
    deployed: ControlPlane, tokens: Path, trained: Path, tmp_path: Path
) -> None:
    inputs = [foreign_source(trained), foreign_source(tokens)]
    with work_on(Place(gpus=("T4",), agreed=True)):
        receipt = make_there(
            "export", tmp_path / "onnx", code=export.CODE, settings={"export": ExportSettings()}, inputs=inputs
        )
    assert receipt.device == "cpu"
    assert [run.start["gpu"] for run in journal.runs()] == [None]
    report = ExportReport.model_validate_json((tmp_path / "onnx" / REPORT).read_bytes())
    assert all((tmp_path / "onnx" / each.file).exists() for each, parity in report.files.items() if not parity.refused)


@pytest.mark.slow
def test_the_exact_oracle_rents_no_gpu(deployed: ControlPlane, tmp_path: Path) -> None:
    with work_on(Place(gpus=("T4",), agreed=True)):
        files = make_games([0], EqSettings(n_worlds=2), None)
    assert [receipt.device for receipt in files.receipts] == ["cpu"]
    assert [run.start["gpu"] for run in journal.runs()] == [None]


@pytest.mark.slow
def test_a_training_that_is_interrupted_by_modal_runs_again(
    deployed: ControlPlane, tokens: Path, tmp_path: Path
) -> None:
    settings = TrainSettings(epochs=40, batch_size=16, samples_per_epoch=640, validation_samples=10)
    interrupted: list[int] = []

    def preempt() -> None:
        end = time.monotonic() + 120
        while not any(deployed.folder.glob(f"containers/*/volumes/*/{work.UNDER_WAY}/*/{LAST}")):
            if time.monotonic() > end:
                return
            time.sleep(0.05)
        interrupted.append(deployed.containers()[0].process.pid)
        os.kill(interrupted[0], signal.SIGINT)

    threading.Thread(target=preempt, daemon=True).start()
    with work_on(Place(agreed=True, retries=0)):
        make_there(
            "train", tmp_path / "model", code=CODE, settings={"train": settings}, inputs=[foreign_source(tokens)]
        )
    assert interrupted
    (run,) = journal.runs()
    assert (run.failed, len(run.done)) == (0, 1)
    assert len([one for one in deployed.containers() if one.function]) == 2


def test_a_training_that_was_preempted_goes_on_from_what_was_kept(
    tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here without a container: what counts is what the Volume has when it is gone."""
    settings = TrainSettings(epochs=3, batch_size=16, samples_per_epoch=64, validation_samples=10)
    data = foreign_source(tokens)
    key = make_key("train", code=fingerprint(*CODE), settings={"train": settings}, inputs=[data.digest])
    job = Job(key=key, code=CODE, block="all", work={}, gpu=False)
    shutil.copytree(tokens, tmp_path / "volume" / "inputs" / data.digest)
    (tmp_path / "volume" / "inputs" / f"{data.digest}.json").write_bytes(input_mark(data))
    monkeypatch.setattr(work, "_LOOK", 0.01)

    receipt = Collection(tmp_path / "volume", key).folder / "receipts" / "all.json"
    with_receipt: list[bool] = []

    def die() -> None:
        shutil.copytree(tmp_path / "volume", tmp_path / "kept", dirs_exist_ok=True)
        if receipt.exists():
            with_receipt.append((tmp_path / "volume" / work.UNDER_WAY / key.digest).exists())

    whole = work.run(job, work.Volume(tmp_path / "volume", die))
    assert with_receipt == [True, False]  # what there was before is removed once the model is safe
    checkpoint = tmp_path / "kept" / work.UNDER_WAY / key.digest / "last.ckpt"
    assert checkpoint.is_file()
    shutil.rmtree(tmp_path / "kept" / "train", ignore_errors=True)  # the receipt was written after the last checkpoint
    resumed = work.run(job, work.Volume(tmp_path / "kept", lambda: None))
    weights = {file.path: file.sha256 for file in whole.files if file.path == "model.safetensors"}
    assert weights == {file.path: file.sha256 for file in resumed.files if file.path == "model.safetensors"}
    assert not checkpoint.exists()
