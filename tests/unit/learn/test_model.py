import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from forge_core.errors import InputError, ModelError, WrongModelType
from forge_core.files import sha256_of
from forge_core.learn.catalog import Catalog
from forge_core.learn.model import OnnxModel, TorchModel, load
from forge_core.learn.train import TrainResult, evaluate
from forge_core.tokens.dataset import TokenArrays

Trained = tuple[Path, TrainResult]


@pytest.fixture
def model_folder(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained[0], tmp_path / "model"))


def test_a_loaded_model_answers_as_the_trained_one(trained: Trained, val_arrays: TokenArrays) -> None:
    folder, result = trained
    model = load(folder)
    assert evaluate(model, val_arrays).overall == result.val.model.overall
    assert model.digest == sha256_of(folder / "model.safetensors")
    assert load(folder / "model.safetensors").digest == model.digest


def test_a_runs_checkpoint_answers_with_its_best_weights(trained: Trained, val_arrays: TokenArrays) -> None:
    folder, result = trained
    model = load(folder / "last.ckpt")
    assert evaluate(model, val_arrays).overall == result.val.model.overall
    assert model.config is not None
    assert model.config.best_epoch == result.best_epoch


def test_answers_are_float32_arrays(trained: Trained, val_arrays: TokenArrays) -> None:
    slots, value = load(trained[0])(val_arrays.tokens[:3], val_arrays.mask[:3])
    assert slots.dtype == value.dtype == np.float32
    assert slots.shape == (3, 7)
    assert value.shape == (3,)


def test_the_wrong_kind_is_refused_by_name(trained: Trained) -> None:
    assert load(trained[0], kind="qvalue").kind == "qvalue"
    with pytest.raises(WrongModelType, match=r"Q-value model.*Expected a policy model"):
        load(trained[0], kind="policy")


def test_there_is_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "nothing.onnx", tmp_path / "nothing.ckpt"):
        with pytest.raises(ModelError, match=r"is no (model|checkpoint)"):
            load(path)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.txt"):
        (tmp_path / name).write_bytes(b"something else")
        with pytest.raises(ModelError, match=r"is no (model|checkpoint)"):
            load(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 5, 1000])
def test_truncated_weights(keep: int, model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"is no (model|checkpoint)"):
        load(model_folder)


def test_a_damaged_config(model_folder: Path) -> None:
    (model_folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"is no (model|checkpoint)"):
        load(model_folder)


def test_weights_of_another_architecture(model_folder: Path) -> None:
    config = json.loads((model_folder / "config.json").read_text())
    config["architecture"]["width"] = 64
    (model_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"is no (model|checkpoint)"):
        load(model_folder)


def test_another_format_version(model_folder: Path) -> None:
    config = json.loads((model_folder / "config.json").read_text())
    (model_folder / "config.json").write_text(json.dumps(config | {"format_version": 99}))
    with pytest.raises(ModelError, match="format version 99"):
        load(model_folder)


@pytest.fixture(params=["torch", "onnx"])
def any_model(request: pytest.FixtureRequest) -> TorchModel | OnnxModel:
    catalog = Catalog()
    folder = catalog.root / catalog.champions()["qvalue"]
    return load(folder / "model.onnx") if request.param == "onnx" else load(folder)


def test_tensors_are_answered_with_tensors(any_model: TorchModel | OnnxModel, val_arrays: TokenArrays) -> None:
    tokens, mask = val_arrays.tokens[:5], val_arrays.mask[:5]
    arrays = any_model(tokens, mask)
    tensors = any_model(torch.from_numpy(tokens), torch.from_numpy(mask))
    assert isinstance(tensors.slots, torch.Tensor)
    assert isinstance(tensors.value, torch.Tensor)
    np.testing.assert_array_equal(tensors.slots.numpy(), arrays.slots)
    np.testing.assert_array_equal(tensors.value.numpy(), arrays.value)


@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_any_number_of_states_and_float_masks(
    any_model: TorchModel | OnnxModel, val_arrays: TokenArrays, rows: int
) -> None:
    chosen = np.arange(rows) % len(val_arrays)
    tokens, mask = val_arrays.tokens[chosen], val_arrays.mask[chosen]
    slots, value = any_model(tokens, mask)
    assert (slots.shape, value.shape) == ((rows, 7), (rows,))
    again = any_model(tokens.astype(np.int64), mask.astype(np.float32))
    np.testing.assert_array_equal(again.slots, slots)


def test_what_is_no_state_is_refused(any_model: TorchModel | OnnxModel, val_arrays: TokenArrays) -> None:
    tokens, mask = val_arrays.tokens[:2], val_arrays.mask[:2]
    wrong = [
        (tokens[0], mask[0], "tokens: "),
        (tokens, mask[:1], "2 rows of tokens with 1"),
        (tokens.astype(np.float32), mask, "tokens of torch.float32"),
        (tokens.astype(np.int64) + 300, mask, "tokens from 300"),
        (tokens, mask * 0.5, "other numbers than 0 and 1"),
        (torch.from_numpy(tokens), mask, "Tensor tokens with a ndarray mask"),
        (tokens.tolist(), mask, "tokens: list"),
    ]
    for bad_tokens, bad_mask, words in wrong:
        with pytest.raises(InputError, match=words):
            any_model(bad_tokens, bad_mask)  # pyright: ignore[reportArgumentType, reportCallIssue]
