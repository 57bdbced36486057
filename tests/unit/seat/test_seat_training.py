"""Training: samples, resuming to the bit, damage, export, catalog."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from forge_core.errors import DamagedFile, ModelError
from forge_core.files import sha256_of
from forge_core.learn.export_report import Precision
from forge_core.seat.catalog import SeatCatalog
from forge_core.seat.export import export_seat
from forge_core.seat.folder import read_seat_network
from forge_core.seat.games import played_games
from forge_core.seat.load import load_seat
from forge_core.seat.model import AskedInRows
from forge_core.seat.settings import SIZES, SeatSettings
from forge_core.seat.torch_model import torch_seat
from forge_core.seat.train import SeatTrainerConfig, train_seat
from tests.unit.seat.conftest import decisions_at, drawn_network, some_contracts

QUICK = SeatSettings(size="tiny", epochs=3, games_per_epoch=24, batch_size=64, validation_games=8)


class Killed(Exception):
    """Stands for a kill between two epochs."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_seat(folder, QUICK, SeatTrainerConfig(accelerator="cpu"))
    return folder


@pytest.mark.parametrize("playout_tricks", [0, 2])
def test_samples_are_labelled_where_plays_are_legal(model: AskedInRows, playout_tricks: int) -> None:
    settings = QUICK.model_copy(update={"playout_tricks": playout_tricks, "worlds": (1, 1, 1, 2, 2, 2, 2)})
    samples = played_games(model, settings, list(range(3)), threads=2)
    assert len(samples) > 25
    assert samples.legal.sum(axis=1).min() >= 2
    assert np.allclose(samples.points.astype(float).sum(axis=2), samples.legal, atol=0.01)
    planes = samples.inputs[:, : 28 * 22].reshape(-1, 28, 22)
    assert ((samples.holders > 0) == (planes[:, :, 12] == 1)).all()
    rows, places = np.nonzero(samples.holders)
    assert (planes[rows, places, 12 + samples.holders[rows, places]] == 1).all()  # the holder may hold it


def test_a_training_that_was_killed_ends_with_the_same_weights(trained: Path, tmp_path: Path) -> None:
    def die(epochs: object) -> None:
        if len(epochs) == 2:  # type: ignore[arg-type]
            raise Killed

    with pytest.raises(Killed):
        train_seat(tmp_path, QUICK, SeatTrainerConfig(on_epoch=die, accelerator="cpu"))
    assert (tmp_path / "last.ckpt").exists()
    epochs = train_seat(tmp_path, QUICK, SeatTrainerConfig(accelerator="cpu"))
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    assert sha256_of(tmp_path / "model.safetensors") == sha256_of(trained / "model.safetensors")
    told = json.loads((tmp_path / "history.json").read_text())
    assert [each["nll"] for each in told] == [epoch.nll for epoch in epochs]
    assert epochs[-1].nll < epochs[0].nll
    again = train_seat(tmp_path, QUICK, SeatTrainerConfig(accelerator="cpu"))
    assert len(again) == 3
    assert sha256_of(tmp_path / "model.safetensors") == sha256_of(trained / "model.safetensors")


def test_a_checkpoint_of_another_training_is_refused_and_a_damaged_one_set_aside(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray((trained / "last.ckpt").read_bytes())
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ModelError, match="seed 0 instead of 1"):
        train_seat(tmp_path, QUICK.model_copy(update={"seed": 1}))
    content[len(content) // 2] ^= 1
    (tmp_path / "last.ckpt").write_bytes(content)
    assert len(train_seat(tmp_path, QUICK, SeatTrainerConfig(accelerator="cpu"))) == 3
    assert "is damaged" in caplog.text
    assert (tmp_path / "last.ckpt.damaged").read_bytes() == content
    assert sha256_of(tmp_path / "model.safetensors") == sha256_of(trained / "model.safetensors")


def test_training_goes_on_from_another_network(trained: Path, tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"epochs": 1, "playout_tricks": 1})
    train_seat(tmp_path / "next", settings, initial=trained)
    config = read_seat_network(tmp_path / "next")[1]
    assert config.initial_digest == sha256_of(trained / "model.safetensors")
    with pytest.raises(ModelError, match="shape"):
        train_seat(tmp_path / "other", settings.model_copy(update={"size": "small"}), initial=trained)


def test_the_transformer_has_the_same_outputs() -> None:
    network = torch_seat(drawn_network("tiny", "transformer"), threads=1)
    decisions = decisions_at(some_contracts(5), 6)
    assert network.chances(decisions).shape == (5, 7, 43)
    assert network.belief(decisions).shape == (5, 28, 3)
    assert set(SIZES) == {(n, s) for n in ("mlp", "transformer") for s in ("tiny", "small", "medium")}


def test_every_precision_agrees_with_torch(trained: Path, tmp_path: Path) -> None:
    report = export_seat(trained, tmp_path)
    assert all(parity.refused is None for parity in report.files.values())
    decisions = decisions_at(some_contracts(30), 9)
    expected = load_seat(trained).chances(decisions)
    for precision in Precision:
        found = load_seat(tmp_path / precision.file).chances(decisions)
        assert np.abs(found - expected).max() <= 2 * max(1e-6, report.files[precision].max_difference)
    rows = np.array([4])
    model = load_seat(tmp_path / "model.onnx", threads=2)
    assert (model.chances(decisions.of(rows)) == model.chances(decisions)[rows]).all()


def test_the_catalog_keeps_finds_and_checks(trained: Path, tmp_path: Path) -> None:
    catalog = SeatCatalog(tmp_path / "models")
    with pytest.raises(ModelError, match="no champion"):
        catalog.find("champion")
    promoted = tmp_path / "promoted"
    export_seat(trained, promoted)
    for name in ("model.safetensors", "config.json"):
        (promoted / name).write_bytes((trained / name).read_bytes())
    (promoted / "match.json").write_text("{}")
    place = catalog.add(promoted, "seat-tiny", champion=True)
    assert catalog.add(promoted, "another-name", champion=True) == place
    assert (catalog.names(), catalog.champion()) == (["seat-tiny"], "seat-tiny")
    assert load_seat("champion", catalog=tmp_path / "models").digest == sha256_of(place / "model.onnx")
    (place / "model.onnx").write_bytes(b"")
    with pytest.raises(DamagedFile):
        catalog.find("champion")


def test_what_is_no_seat_network_is_refused(trained: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ModelError, match="no seat network"):
            load_seat(path)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="no seat network"):
        load_seat(tmp_path / "model.onnx")
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "config.json").write_bytes((trained / "config.json").read_bytes())
    (cut / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match="no seat network"):
        load_seat(cut)


def test_losses_of_a_perfect_answer_are_small() -> None:
    from forge_core.seat.lit_module import SeatBatch, loss_of
    from forge_core.seat.network import SeatAnswer

    settings = QUICK.model_copy(update={"belief_weight": 0.0})
    samples = played_games(torch_seat(drawn_network(), threads=1), settings, list(range(4)), threads=2)
    batch = SeatBatch.of(samples)
    sure = (batch.points.float() + 1e-9).log()
    belief = torch.zeros(len(samples), 28, 3)
    assert float(loss_of(SeatAnswer(sure, belief), batch, settings)) < 1
    assert float(loss_of(SeatAnswer(torch.zeros_like(sure), belief), batch, settings)) > 3
