"""Training, evaluation and games on Modal, and fetching what is there."""

import shutil
from pathlib import Path

import pytest
from control_plane import ControlPlane

from configs.modal import Job, Place
from deployments import work
from deployments.modal_app import app
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.artifacts.listing import foreign_source, list_folder
from forge_core.expected_q.files import read_game
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.inference import load
from forge_core.learn.settings import TrainSettings
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings
from tasks.elsewhere import work_on
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


@pytest.mark.slow
def test_a_training_that_was_preempted_goes_on_from_what_was_kept(
    tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here without a container: what counts is what the Volume has when it is gone."""
    settings = TrainSettings(epochs=3, batch_size=16, samples_per_epoch=64, validation_samples=10)
    data = foreign_source(tokens)
    key = make_key("train", code=fingerprint(*CODE), settings={"train": settings}, inputs=[data.digest])
    job = Job(key=key, code=CODE, block="all", work={}, gpu=False)
    shutil.copytree(tokens, tmp_path / "volume" / "inputs" / data.digest)
    monkeypatch.setattr(work, "_LOOK", 0.01)

    def die() -> None:
        shutil.copytree(tmp_path / "volume", tmp_path / "kept", dirs_exist_ok=True)

    whole = work.run(job, work.Volume(tmp_path / "volume", die))
    checkpoint = tmp_path / "kept" / work.UNDER_WAY / key.digest / "last.ckpt"
    assert checkpoint.is_file()
    shutil.rmtree(tmp_path / "kept" / "train", ignore_errors=True)  # the receipt was written after the last checkpoint
    resumed = work.run(job, work.Volume(tmp_path / "kept", lambda: None))
    weights = {file.path: file.sha256 for file in whole.files if file.path == "model.safetensors"}
    assert weights == {file.path: file.sha256 for file in resumed.files if file.path == "model.safetensors"}
    assert not checkpoint.exists()
