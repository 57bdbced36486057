from pathlib import Path

import numpy as np
import onnx
import pytest

from forge_core.errors import ModelError, ParityError
from forge_core.learn import export
from forge_core.learn.build import build_network
from forge_core.learn.evaluate import evaluate
from forge_core.learn.export import ExportReport, export_onnx
from forge_core.learn.inference import OnnxModel, load
from forge_core.learn.model_folder import config_of, write_model
from forge_core.learn.settings import TrainSettings
from forge_core.learn.train import TrainResult
from forge_core.tokens.dataset import TokenArrays

Trained = tuple[Path, TrainResult]
Exported = tuple[Path, ExportReport]


@pytest.fixture(scope="module")
def exported(trained: Trained, val_arrays: TokenArrays, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    return path, export_onnx(trained[0], path, val_arrays)


def test_the_exported_model_agrees(exported: Exported, val_arrays: TokenArrays) -> None:
    path, report = exported
    assert report.max_difference <= 1e-3
    assert report.samples == len(val_arrays)
    assert report.bytes == path.stat().st_size
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_it_plays_as_the_trained_one(exported: Exported, trained: Trained, val_arrays: TokenArrays) -> None:
    model = load(exported[0], kind="qvalue")
    assert isinstance(model, OnnxModel)
    assert evaluate(model, val_arrays).overall.q_gap == pytest.approx(trained[1].val.model.overall.q_gap, abs=1e-3)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_the_batch_is_free(batch: int, exported: Exported, val_arrays: TokenArrays) -> None:
    slots, value = load(exported[0])(val_arrays.tokens[:batch], val_arrays.mask[:batch])
    assert slots.shape == (batch, 7)
    assert value.shape == (batch,)
    assert slots.dtype == np.float32


def test_the_file_names_no_path_of_the_machine_it_was_made_on(exported: Exported) -> None:
    assert b".py" not in exported[0].read_bytes()
    assert not any(node.metadata_props for node in onnx.load(exported[0]).graph.node)


def test_the_transformer_is_exportable(val_arrays: TokenArrays, tmp_path: Path) -> None:
    settings = TrainSettings(network="transformer", kind="policy")
    network = build_network(settings.architecture, "policy", 0)
    write_model(tmp_path, network, config_of(network, settings, dataset_digest="", best_epoch=0))
    report = export_onnx(tmp_path, tmp_path / "model.onnx", val_arrays)
    assert report.max_difference <= 1e-3
    assert load(tmp_path / "model.onnx").kind == "policy"


def test_a_model_that_does_not_agree_is_refused_and_leaves_nothing(
    exported: Exported, val_arrays: TokenArrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TrainSettings(seed=1)
    network = build_network(settings.architecture, "qvalue", 1)
    write_model(tmp_path / "other", network, config_of(network, settings, dataset_digest="", best_epoch=0))
    monkeypatch.setattr(export, "_export", lambda _: onnx.load(exported[0]))
    with pytest.raises(ParityError, match="differ from torch"):
        export_onnx(tmp_path / "other", tmp_path / "out" / "model.onnx", val_arrays)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_model_no_file(val_arrays: TokenArrays, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no model"):
        export_onnx(tmp_path / "nothing", tmp_path / "out" / "model.onnx", val_arrays)
    assert list(tmp_path.iterdir()) == []


def test_an_onnx_file_of_something_else(tmp_path: Path) -> None:
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match="is no model"):
        load(tmp_path / "other.onnx")
