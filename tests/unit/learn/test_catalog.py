"""The catalog: names, champions, checksums, and that it may be killed anywhere."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from forge_core import learn
from forge_core.errors import DamagedFile, ModelError, WrongModelType
from forge_core.files import sha256_of
from forge_core.learn import catalog as catalog_module
from forge_core.learn.catalog import Card, Catalog, Origin, Scores, short_count, verify
from forge_core.learn.export import export_onnx, shrink_onnx
from forge_core.learn.metrics import measure_random_play
from forge_core.learn.model import OnnxModel, config_of, load, write_half_precision, write_model
from forge_core.learn.network import build_network
from forge_core.learn.settings import ModelConfig, TrainSettings
from forge_core.tokens.arrays import TokenArrays

Make = Callable[..., Path]
NAME = "domino-qval-tiny-656k-qgap0.071-qmae0.94"


def _card(arrays: TokenArrays, **changes: object) -> Card:
    scores = Scores.of(measure_random_play(arrays)).model_copy(update={"q_mae": 1.0} | changes)
    origin = Origin(dataset="a", code="b", parent=None, champion=None, gain=None, forced=None)
    return Card(test={"uniform": scores}, trained_on="a processor", origin=origin)


@pytest.fixture
def make(tmp_path: Path, val_arrays: TokenArrays) -> Make:
    """Makes the four files of an untrained model; its ONNX file is none, for the catalog does not look into it."""

    def make(seed: int = 0, kind: str = "qvalue", *, onnx: bytes = b"onnx", q_gap: float = 1.0) -> Path:
        settings = TrainSettings.model_validate({"seed": seed, "kind": kind})
        network = build_network(settings.architecture, settings.kind, seed)
        folder = tmp_path / f"{kind}-{seed}"
        write_model(folder, network, config_of(network, settings, best_epoch=0, dataset_digest="a"))
        (folder / "model.onnx").write_bytes(onnx)
        (folder / "metrics.json").write_text(_card(val_arrays, q_gap=q_gap).model_dump_json())
        return folder

    return make


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "models")


def test_an_empty_catalog(catalog: Catalog) -> None:
    assert (catalog.names(), catalog.champions(), catalog.listed()) == ([], {}, [])
    assert catalog.find("anything") is None
    with pytest.raises(ModelError, match="no champion"):
        load("champion", catalog=catalog.root)
    with pytest.raises(ModelError, match="is no model"):
        load("anything", catalog=catalog.root)


def test_a_promoted_model_is_loaded_by_name_and_answers_alike(
    catalog: Catalog, make: Make, val_arrays: TokenArrays
) -> None:
    folder = make()
    place = catalog.add(folder, NAME, champion=True)
    assert place == catalog.root / NAME
    tokens, mask = val_arrays.tokens[:9], val_arrays.mask[:9]
    q, value = learn.load(folder)(tokens, mask)
    for name in ("champion", NAME, str(place)):
        model = learn.load(name, kind="qvalue", catalog=catalog.root)
        found_q, found_value = model(tokens, mask)
        np.testing.assert_array_equal(found_q, q)
        np.testing.assert_array_equal(found_value, value)
        with pytest.raises(WrongModelType, match=r"a Q-value model.*Expected a policy model"):
            learn.load(name, kind="policy", catalog=catalog.root)


def test_each_kind_has_its_champion(catalog: Catalog, make: Make) -> None:
    catalog.add(make(kind="policy"), "a-policy", champion=True)
    assert load("champion", catalog=catalog.root).kind == "policy"
    catalog.add(make(0), "one", champion=True)
    catalog.add(make(1), "another", champion=False)
    assert catalog.champions() == {"policy": "a-policy", "qvalue": "one"}
    assert load("champion", catalog=catalog.root).kind == "qvalue"
    assert load("champion", kind="policy", catalog=catalog.root).kind == "policy"
    assert {each.name for each in catalog.listed() if each.champion} == {"a-policy", "one"}


def test_the_page_lists_the_models(catalog: Catalog, make: Make) -> None:
    catalog.add(make(0, q_gap=0.5), "one", champion=True)
    catalog.add(make(1, q_gap=0.25), "better", champion=True)
    lines = [line for line in (catalog.root / "README.md").read_text().splitlines() if line.startswith("| ")][2:]
    assert [line.split(" | ")[0] for line in lines] == ["| better (champion)", "| one"]
    assert all("a processor" in line and "mlp" in line for line in lines)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "model.onnx", "metrics.json"])
def test_files_that_were_changed_are_noticed_when_a_model_is_loaded(file: str, catalog: Catalog, make: Make) -> None:
    place = catalog.add(make(), NAME, champion=True)
    changed = bytearray((place / file).read_bytes())
    changed[len(changed) // 2] ^= 1
    (place / file).write_bytes(changed)
    for name in ("champion", str(place)):
        with pytest.raises(DamagedFile, match=file):
            load(name, catalog=catalog.root)
    (place / file).unlink()
    with pytest.raises(DamagedFile, match=f"{file}.*deleted"):
        verify(place)


def test_checksums_are_those_of_sha256sum(catalog: Catalog, make: Make) -> None:
    place = catalog.add(make(), NAME, champion=True)
    lines = (place / "SHA256SUMS").read_text().splitlines()
    assert lines == [f"{sha256_of(place / line[66:])}  {line[66:]}" for line in lines]
    assert {line[66:] for line in lines} == {path.name for path in place.iterdir()} - {"SHA256SUMS"}


def test_the_same_weights_keep_their_name_and_others_get_their_own(catalog: Catalog, make: Make) -> None:
    one, other = make(0), make(1)
    assert catalog.add(one, NAME, champion=True).name == NAME
    assert catalog.add(one, "another name", champion=False).name == NAME
    assert catalog.add(other, NAME, champion=True).name == f"{NAME}-{sha256_of(other / 'model.safetensors')[:6]}"
    assert len(catalog.names()) == 2
    catalog.add(one, NAME, champion=True)  # an older model may become the champion again
    assert catalog.champions() == {"qvalue": NAME}


def test_a_large_model_is_kept_without_onnx(catalog: Catalog, make: Make) -> None:
    model = make(onnx=bytes(20_000_000))
    place = catalog.add(model, NAME, champion=True)
    assert {path.name for path in place.iterdir()} == {"SHA256SUMS", "config.json", "metrics.json", "model.safetensors"}
    verify(place)
    assert load("champion", catalog=catalog.root).digest == sha256_of(model / "model.safetensors")


def test_a_model_that_is_too_large_is_refused(catalog: Catalog, make: Make) -> None:
    model = make()
    with (model / "metrics.json").open("ab") as file:
        file.write(bytes(20_000_000))
    with pytest.raises(ModelError, match=r"a model of 2\d\.\d MB without its ONNX file.*Expected at most 20 MB"):
        catalog.add(model, NAME, champion=True)
    assert not catalog.root.exists()


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("step", range(7))
def test_a_promotion_that_is_killed_is_repaired_by_the_next(
    step: int, catalog: Catalog, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.add(make(0), "before", champion=True)
    page = (catalog.root / "README.md").read_text()
    new, steps = make(1), iter(range(100))

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            if next(steps) == step:
                raise Killed
            return function(*args, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", dying(shutil.copyfile))  # 4 files
        patch.setattr(catalog_module, "write_sums", dying(catalog_module.write_sums))
        patch.setattr(catalog_module, "write_text", dying(catalog_module.write_text))  # champion, page
        with pytest.raises(Killed):
            catalog.add(new, "after", champion=True)

    champion = catalog.champions()["qvalue"]
    assert champion == ("after" if step == 6 else "before")
    assert load("champion", catalog=catalog.root)  # whole, whichever it is
    assert catalog.names() == (["after", "before"] if step >= 5 else ["before"])
    assert (catalog.root / "README.md").read_text() == page

    catalog.add(new, "after", champion=True)
    assert catalog.champions() == {"qvalue": "after"}
    assert sorted(path.name for path in catalog.root.iterdir()) == ["README.md", "after", "before", "champion.json"]
    assert "after (champion)" in (catalog.root / "README.md").read_text()


def test_names_tell_what_a_model_is(val_arrays: TokenArrays, make: Make) -> None:
    config = ModelConfig.model_validate_json((make() / "config.json").read_text())
    published = config.model_copy(
        update={"parameters": 3_266_817, "settings": config.settings.model_copy(update={"size": "large"})}
    )
    card = _card(val_arrays, q_gap=0.0709, q_mae=0.942)
    assert card.name_of(published) == "domino-qval-large-3.3M-qgap0.071-qmae0.94"
    policy = published.model_copy(update={"kind": "policy", "parameters": 817_000})
    card = _card(val_arrays, q_gap=0.0709, accuracy=0.9778, q_mae=None)
    assert card.name_of(policy) == "domino-policy-large-817k-acc97.8-qgap0.07"


def test_short_counts() -> None:
    assert [short_count(n) for n in (512, 1000, 656_264, 999_499, 999_500, 12_300_000)] == [
        *("512", "1k", "656k", "999k", "1.0M", "12.3M"),
    ]


def test_a_card_holds_plain_numbers_under_their_names(val_arrays: TokenArrays) -> None:
    written = json.loads(_card(val_arrays).model_dump_json())
    scores = written["test"]["uniform"]
    assert all(isinstance(scores[name], float) for name in ("q_gap", "accuracy", "blunder_rate", "label_ceiling"))
    low, high = scores["intervals"]["q_gap"]
    assert low < scores["q_gap"] < high
    assert (scores["samples"], scores["deals"]) == (len(val_arrays), 6)
    assert written["trained_on"] == "a processor"


def test_half_precision_weights_and_their_onnx_give_the_same_answers(
    make: Make, tmp_path: Path, val_arrays: TokenArrays
) -> None:
    folder, published = make(), tmp_path / "published"
    published.mkdir()
    write_half_precision(folder, published)
    halves, whole = (path / "model.safetensors" for path in (published, folder))
    assert halves.stat().st_size < 0.51 * whole.stat().st_size
    network = load(published).network  # pyright: ignore[reportAttributeAccessIssue]
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    tokens, mask = val_arrays.tokens, val_arrays.mask
    q, value = load(published)(tokens, mask)
    assert np.abs(q - load(folder)(tokens, mask).slots).max() < 0.1  # points

    export_onnx(published, tmp_path / "onnx", val_arrays)
    whole, small = tmp_path / "onnx" / "model.onnx", tmp_path / "small.onnx"
    shrink_onnx(whole, small)
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    exported, shrunk = (OnnxModel(path)(tokens, mask) for path in (whole, small))
    np.testing.assert_array_equal(shrunk.slots, exported.slots)
    np.testing.assert_array_equal(shrunk.value, exported.value)
    np.testing.assert_allclose(shrunk.slots, q, atol=1e-3)
    np.testing.assert_allclose(shrunk.value, value, atol=1e-3)

    again = tmp_path / "again"
    again.mkdir()
    write_half_precision(published, again)
    assert (again / "model.safetensors").read_bytes() == (published / "model.safetensors").read_bytes()
