"""What the Prefect UI asks a person for, and what becomes of the answers. The server refuses by the same schema."""

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from pydantic import TypeAdapter

from configs.pipeline import load_preset
from flows import forms
from forge_core.artifacts.key import make_key
from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError
from forge_core.learn.settings import TrainSettings
from tasks.run import store

ROOT = Path(__file__).parents[2]
ENTRIES = sorted({each["entrypoint"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]})


def put(kind: str, text: str) -> Reference:
    """An object of the store, later than all before it."""
    key = make_key(kind, code=text, settings={}, inputs=[])
    found = store().build(key, lambda folder: (folder / "file").write_text(text), kind=kind).reference
    made = time.time() + len(list(store().entries()))
    os.utime(store().path(found), (made, made))
    return found


def schema(entry: str) -> dict[str, Any]:
    from prefect.utilities.callables import parameter_schema

    file, name = entry.split(":")
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    return parameter_schema(getattr(module, name)).model_dump()


def refused(entry: str, values: dict[str, Any]) -> bool:
    from prefect.utilities.schema_tools.validation import ValidationError, validate

    try:
        validate(values, schema(entry), raise_on_error=True, preprocess=True, allow_none_with_default=True)
    except ValidationError:
        return True
    return False


def fields(entry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for group, definition in schema(entry)["definitions"].items():
        for name, field in definition.get("properties", {}).items():
            yield f"{group}.{name}", field


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_field_is_described_and_has_its_place(entry: str) -> None:
    for name, field in fields(entry):
        assert field.get("description") or "$ref" in field, name
        assert "position" in field, name


def test_the_form_of_a_training_refuses_what_cannot_be_meant() -> None:
    entry = "flows/stages.py:train"
    assert not refused(entry, {"tokens": "latest", "settings": {}})
    assert not refused(entry, {"tokens": "latest", "settings": {"epochs": 3, "size": "tiny"}, "output": None})
    assert not refused(entry, {"tokens": "latest", "settings": "demo"})
    wrong = {"epochs": 0, "size": "no size", "kind": "q", "source": "air", "precision": "8", "learning_rate": "fast"}
    for name, value in wrong.items():
        assert refused(entry, {"tokens": "latest", "settings": {name: value}}), name
    assert refused(entry, {"tokens": "latest", "settings": {"epoch": 3}})
    assert refused(entry, {"tokens": "latest", "settings": "no such preset"})
    assert refused(entry, {"settings": {}})


def test_plain_fields_come_first_and_groups_behind_them() -> None:
    found = schema("flows/stages.py:train")["definitions"]["TrainSettings"]["properties"]
    ordered = sorted(found, key=lambda name: found[name]["position"])
    assert ordered[:2] == ["network", "size"]
    assert ordered[-1] == "stream"


def test_what_is_typed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    first, second = put("tokens", "one"), put("tokens", "two")
    put("model", "three")
    read = TypeAdapter(forms.Tokens).validate_python
    assert read("latest") == second
    assert read(first.digest[:12]) == first
    assert read(f"tokens {first.digest[:8]}") == first
    assert read(first) == first
    (tmp_path / "data" / "tokens").mkdir(parents=True)
    assert read("data/tokens") == tmp_path / "data" / "tokens"
    assert read(str(tmp_path)) == tmp_path
    for name in ("", first.digest[:4], "nothing", "f" * 12):
        with pytest.raises(ValueError, match=r"latest|valid"):
            read(name)


def test_what_may_be_left_out_may_be_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    model = put("model", "m")
    for form in (forms.Oracle, forms.Initial, forms.ModelTokens, forms.Output):
        assert TypeAdapter(form).validate_python("") is None
        assert TypeAdapter(form).validate_python(None) is None
    assert TypeAdapter(forms.Oracle).validate_python("latest") == model
    assert TypeAdapter(forms.Initial).validate_python(model.digest[:10]) == model
    assert TypeAdapter(forms.Output).validate_python("models/mine") == tmp_path / "models" / "mine"


def test_a_preset_stands_for_its_settings() -> None:
    assert TypeAdapter(forms.Train).validate_python("demo") == load_preset("demo").train
    assert TypeAdapter(forms.Pipeline).validate_python("demo") == load_preset("demo")
    assert TypeAdapter(forms.Train).validate_python({"epochs": 3}) == TrainSettings.model_validate({"epochs": 3})
    with pytest.raises(InputError, match="one of"):
        load_preset("no such preset")


@pytest.mark.parametrize(
    "deployment",
    [each for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"] if "parameters" in each],
    ids=lambda each: f"{each['entrypoint']}-{each['name']}",
)
def test_what_a_deployment_fills_in_is_taken_by_its_flow(
    deployment: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.utilities.schema_tools.validation import validate

    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    (tmp_path / "data" / "tokens").mkdir(parents=True)  # a folder that is filled in is there
    validate(deployment["parameters"], schema(deployment["entrypoint"]), raise_on_error=True, ignore_required=True)
    file, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
    parameters = get_type_hints(flow.fn, include_extras=True)
    for parameter, value in deployment["parameters"].items():
        TypeAdapter(parameters[parameter]).validate_python(value)
