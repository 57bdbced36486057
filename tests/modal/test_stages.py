"""Training, evaluation and games on Modal, and fetching what is there."""

from pathlib import Path

import pytest
from control_plane import ControlPlane

from configs.modal import Place
from deployments.modal_app import app
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
