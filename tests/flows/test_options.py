"""A setting is described, and bounded, in its class alone: the form, `--help` and `--set` say the same."""

import importlib
import json
import re
from typing import Any

import pytest
from test_forms import ENTRIES
from test_forms import schema as form
from typer.testing import CliRunner

from flows.cli import app, options
from forge_core.errors import InputError
from tests.commands import commands

COMMANDS = dict(commands())
SETTINGS = [
    (name, option, *option.help.removeprefix("setting ").split(" ", 2)[:2])
    for name, command in COMMANDS.items()
    for option in command.params
    if (getattr(option, "help", None) or "").startswith("setting ")
]
IDS = [f"{name} {option.opts[0]}" for name, option, *_ in SETTINGS]
WITH_A_TEXT_OF_ITS_OWN = {"advise bid", "arena bidders", "arena players", "arena games", "bid why playouts"}
"""Options that are called like a setting and take something else: another seat's bid, a list, a number."""
OWN_DEFAULTS = {"count": 10, "playouts": 100}
"""Where a command has another default than its settings: a short run, and a hand that is looked at closely."""


def said(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def cls(model: str) -> Any:
    module, name = model.split(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("name", "option", "model", "field"), SETTINGS, ids=IDS)
def test_help_says_what_the_class_says(name: str, option: Any, model: str, field: str) -> None:
    field_schema, types = options.schema(model, field)
    shown = said(CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"}).stdout)
    assert said(field_schema["description"]) in shown
    start = shown.index(f" {option.opts[0]} ")
    here = shown[start : shown.find(" --", start + 3)]
    for bound in ("minimum", "maximum", "exclusiveMinimum"):
        for each in types:
            assert bound not in each or str(each[bound]) in here
    for each in types:
        assert all(str(choice) in here for choice in each.get("enum", ()))
    default = field_schema.get("default")
    own = option.default
    if own is None and default is not None:
        assert f"default: {default}" in here
    if own is not None and default is not None and not isinstance(default, dict):
        assert own == default or OWN_DEFAULTS.get(option.name) == own


@pytest.mark.parametrize(("name", "option", "model", "field"), SETTINGS, ids=IDS)
def test_set_has_the_bounds_of_the_class(name: str, option: Any, model: str, field: str) -> None:
    _, types = options.schema(model, field)
    beyond = [each["minimum"] - 1 for each in types if "minimum" in each]
    beyond += [each["exclusiveMinimum"] for each in types if "exclusiveMinimum" in each]
    beyond += [each["maximum"] + 1 for each in types if "maximum" in each]
    beyond += ["no such choice" for each in types if "enum" in each]
    for value in beyond:
        with pytest.raises(InputError, match=rf"Got {re.escape(field)}\b.* = "):
            options.build(cls(model), {"end": 5} if model == options.BACKFILL else {}, [f"{field}={value}"])


def test_no_command_describes_a_setting_anew() -> None:
    models: dict[str, set[str]] = {}
    for name, _, model, _ in SETTINGS:
        models.setdefault(name, set()).add(model)
    own = {
        f"{name} {option.name}"
        for name, found in models.items()
        for option in COMMANDS[name].params
        for model in found
        if not (getattr(option, "help", None) or "").startswith("setting ")
        if option.name in getattr(cls(model), "model_fields", {})
    }
    assert own <= WITH_A_TEXT_OF_ITS_OWN


def test_the_forms_have_the_settings_from_the_same_classes() -> None:
    forms: dict[str, list[dict[str, Any]]] = {}
    for entry in ENTRIES:
        for group, definition in form(entry)["definitions"].items():
            forms.setdefault(group, []).append(definition)
    compared = 0
    for _, _, model, field in SETTINGS:
        *groups, last = field.split(".")
        group = model.rpartition(":")[2] if not groups else f"{groups[-1].title()}Settings"
        for definition in forms.get(group, ()):
            ours, shown = options.schema(model, field)[0], definition["properties"][last]
            for name in ours.keys() - {"title"}:
                assert json.dumps(shown[name]).replace("#/definitions/", "#/$defs/") == json.dumps(ours[name])
            compared += 1
    assert compared > 50
