import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from forge_core.errors import ModelError, ParityError
from forge_core.learn import export
from forge_core.learn.catalog import Catalog
from forge_core.learn.export import export_onnx
from forge_core.learn.export_report import LIMITS, ExportReport, ExportSettings, Precision, refusal
from forge_core.learn.model import OnnxModel, config_of, load, write_model
from forge_core.learn.network import build_network
from forge_core.learn.settings import TrainSettings
from forge_core.learn.train import TrainResult, evaluate
from forge_core.tokens.arrays import TokenArrays

Trained = tuple[Path, TrainResult]
Exported = tuple[Path, ExportReport]


@pytest.fixture(scope="module")
def exported(trained: Trained, val_arrays: TokenArrays, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("onnx")
    return folder, export_onnx(trained[0], folder, val_arrays)


@pytest.fixture(scope="module")
def transformer(val_arrays: TokenArrays, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("transformer")
    settings = TrainSettings(network="transformer", kind="policy")
    network = build_network(settings.architecture, "policy", 0)
    write_model(folder / "model", network, config_of(network, settings, dataset_digest="", best_epoch=0))
    return folder / "onnx", export_onnx(folder / "model", folder / "onnx", val_arrays)


def test_all_precisions_agree(exported: Exported, transformer: Exported, val_arrays: TokenArrays) -> None:
    for folder, report in (exported, transformer):
        assert report.samples == len(val_arrays)
        assert {path.name for path in folder.iterdir()} == {"export.json", *(each.file for each in Precision)}
        assert ExportReport.model_validate_json((folder / "export.json").read_text()) == report
        for precision, parity in report.files.items():
            assert parity.bytes == (folder / precision.file).stat().st_size
            assert parity.mean_difference <= LIMITS[precision].mean_difference
            assert 0 <= parity.mean_difference <= parity.max_difference
        assert report.files[Precision.FP32].max_difference <= 1e-3
        assert report.files[Precision.FP16].max_difference > report.files[Precision.FP32].max_difference
        assert report.files[Precision.INT8].max_difference > report.files[Precision.FP16].max_difference


def test_smaller_files_are_smaller(exported: Exported) -> None:
    sizes = [parity.bytes for parity in exported[1].files.values()]
    assert sizes[1] < 0.6 * sizes[0]
    assert sizes[2] < 0.65 * sizes[1]  # the tables of the rules are not quantized, and weigh in so small a network


@pytest.mark.parametrize("precision", Precision)
def test_it_plays_as_the_report_says(precision: Precision, exported: Exported, val_arrays: TokenArrays) -> None:
    folder, report = exported
    model = load(folder / precision.file, kind="qvalue")
    assert isinstance(model, OnnxModel)
    expected = report.q_gap + report.files[precision].q_gap_change
    assert evaluate(model, val_arrays).overall.q_gap == pytest.approx(expected, abs=1e-3)


def test_float32_plays_as_torch(exported: Exported, trained: Trained, val_arrays: TokenArrays) -> None:
    played = evaluate(load(exported[0] / "model.onnx"), val_arrays).overall.q_gap
    assert played == pytest.approx(trained[1].val.model.overall.q_gap, abs=1e-3)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_state_has_one_answer_in_any_batch(
    batch: int, precision: Precision, exported: Exported, val_arrays: TokenArrays
) -> None:
    model = load(exported[0] / precision.file)
    slots, value = model(val_arrays.tokens[:batch], val_arrays.mask[:batch])
    assert slots.shape == (batch, 7)
    assert value.shape == (batch,)
    assert slots.dtype == value.dtype == np.float32
    several = model(val_arrays.tokens[:300], val_arrays.mask[:300])
    np.testing.assert_allclose(slots, several.slots[:batch], atol=1e-3)


def test_equal_models_give_equal_bytes(exported: Exported, trained: Trained, val_arrays: TokenArrays) -> None:
    again = exported[0].parent / "again"
    export_onnx(trained[0], again, val_arrays, ExportSettings(samples=10))
    for precision in Precision:
        assert (again / precision.file).read_bytes() == (exported[0] / precision.file).read_bytes()


def test_files_name_no_path_of_the_machine_they_were_made_on(exported: Exported) -> None:
    for precision in Precision:
        content = (exported[0] / precision.file).read_bytes()  # three bytes alone may be a weight
        assert b"forge_core/" not in content
        assert b"site-packages" not in content
        model = onnx.load(exported[0] / precision.file)
        assert not any(node.metadata_props for node in model.graph.node)
        properties = {prop.key: prop.value for prop in model.metadata_props}
        assert properties["crystal_forge.precision"] == precision.value


def test_a_file_that_is_asked_with_pips_is_refused(exported: Exported, tmp_path: Path) -> None:
    model = onnx.load(exported[0] / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 12
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(ModelError, match=r"12 features a token.*forge export"):
        OnnxModel(tmp_path / "old.onnx")


def test_the_champion_is_kept_as_few_operators_with_the_answers_of_torch(val_arrays: TokenArrays) -> None:
    champion = Catalog().find("champion", "qvalue")
    assert champion is not None
    nodes = onnx.load(champion / "model.onnx").graph.node
    assert "GatherND" not in {node.op_type for node in nodes}
    assert len(nodes) < 220  # casts of weights among them, done when the file is loaded
    tokens, mask, legal = val_arrays.tokens[:500], val_arrays.mask[:500], val_arrays.legal[:500]
    ours, expected = OnnxModel(champion / "model.onnx")(tokens, mask), load(champion)(tokens, mask)
    np.testing.assert_allclose(ours.slots, expected.slots, atol=1e-3)
    np.testing.assert_allclose(ours.value, expected.value, atol=1e-3)
    plays, others = (np.where(legal, each.slots, -np.inf).argmax(1) for each in (ours, expected))
    np.testing.assert_array_equal(plays, others)


def test_exporting_leaves_the_log_as_it_was(exported: Exported) -> None:
    assert len(exported) > 0
    formats = [handler.formatter._fmt for handler in logging.getLogger().handlers if handler.formatter is not None]
    assert "%(asctime)s %(name)s [%(levelname)s] - %(message)s" not in formats


def test_a_model_that_does_not_agree_is_refused_and_leaves_nothing(
    exported: Exported, val_arrays: TokenArrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TrainSettings(seed=1)
    network = build_network(settings.architecture, "qvalue", 1)
    write_model(tmp_path / "other", network, config_of(network, settings, dataset_digest="", best_epoch=0))
    monkeypatch.setattr(export, "_export", lambda _: onnx.load(exported[0] / "model.onnx"))
    with pytest.raises(ParityError, match="differ from torch"):
        export_onnx(tmp_path / "other", tmp_path / "out", val_arrays)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_smaller_file_beyond_its_limits_is_left_out(
    trained: Trained, val_arrays: TokenArrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, Precision.INT8, LIMITS[Precision.FP32])
    report = export_onnx(trained[0], tmp_path, val_arrays, ExportSettings(samples=100))
    refused = report.files[Precision.INT8].refused
    assert refused is not None
    assert "0.001 is the limit" in refused
    assert {path.name for path in tmp_path.iterdir()} == {"export.json", "model.onnx", "model.fp16.onnx"}


def test_limits() -> None:
    assert refusal(Precision.INT8, largest=5, mean=0.2, rise=0.01) is None
    assert refusal(Precision.FP32, largest=float("nan"), mean=float("nan"), rise=0) is not None
    assert "q_gap rises" in str(refusal(Precision.FP16, largest=0, mean=0, rise=0.01))


def test_no_model_no_file(val_arrays: TokenArrays, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no model"):
        export_onnx(tmp_path / "nothing", tmp_path / "out", val_arrays)
    assert list(tmp_path.iterdir()) == []


def test_an_onnx_file_of_something_else(tmp_path: Path) -> None:
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match="is no model"):
        load(tmp_path / "other.onnx")


def test_the_how_to_for_other_programs(
    exported: Exported,
    tokens: Path,
    val_arrays: TokenArrays,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).parents[3] / "docs" / "onnx.md").read_text("utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "onnx").symlink_to(exported[0])
    (tmp_path / "tokens").symlink_to(tokens)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet, names)
    slots = load(exported[0] / "model.onnx")(val_arrays.tokens[:100], val_arrays.mask[:100]).slots
    assert (names["plays"] == np.where(val_arrays.legal[:100], slots, -np.inf).argmax(axis=1)).all()
    assert capsys.readouterr().out.startswith("qvalue ")
