"""Options shared by commands, those that are settings, and the way from options to settings.

What a setting is, its default and its bounds are said once, in the class of the settings. The form of the Prefect UI
has them from there, `--set` is checked there, and the help of an option that is a setting is filled in from there, when
somebody asks for it: classes of settings take longer to import than `forge --help` may.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from forge_core.errors import InputError

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting by its name; may be repeated."),
]
Output = Annotated[Path | None, typer.Option(help="A folder that gets the result, besides the store.")]
Model = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        help="champion or another name of `forge models`, a model folder, an .onnx file, or the first digits of a "
        "model's digest in the store.",
    ),
]
Data = Annotated[
    Path | None, typer.Option(exists=True, help="A token folder; if not given, the one it learned from, in the store.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

Settings = TypeVar("Settings")
Command = TypeVar("Command", bound=Callable[..., Any])

_SETTING = "setting "
BACKFILL = "configs.operation:Backfill"
BIDS = "forge_core.bids.settings:BidSettings"
CONTEST = "forge_core.arena.settings:Contest"
DEALS = "configs.pipeline:DealSeries"
EQ = "forge_core.expected_q.settings:EqSettings"
EVALUATION = "configs.evaluation:EvaluationSettings"
EXPORT = "forge_core.learn.export_report:ExportSettings"
HARDWARE = "tasks.devices:Hardware"
MATCH_DEALS = "forge_core.arena.settings:Deals"
PLACE = "configs.modal:Place"
SEEDS = "configs.pipeline:SeedSeries"
SHARDS = "forge_core.shards.settings:ShardSettings"
TOKENS = "forge_core.tokens.settings:TokenSettings"
TRAIN = "forge_core.learn.settings:TrainSettings"

ORACLES = (
    "exact; champion, another name of a model or its path; or rollout, as in rollout:exact=3,model=champion: a seat "
    "network plays every world to the end, hands hidden."
)
"""What may be named as the oracle of E[Q] games (see `inputs.oracle`)."""


def setting(model: str, field: str, *names: str, before: str = "") -> Any:
    """An option that is a setting.

    Args:
        model: the class of the settings, as "module:Class".
        field: which of them; "posterior.window" is one of a group.
        names: of the option, where the parameter does not say it.
        before: what its help begins with, before the description.
    """
    return typer.Option(*names, help=f"{_SETTING}{model} {field} {before}")


def options_of(make: Callable[..., Any], name: str) -> Callable[[Command], Command]:
    """Gives a command the parameters of `make` where its own `name` stands, which then gets what `make` returns."""
    added = inspect.signature(make).parameters

    def decorate(command: Command) -> Command:
        own = inspect.signature(command)

        @wraps(command)
        def run(**values: Any) -> Any:
            made = make(**{option: values.pop(option) for option in added})
            return command(**values, **{name: made})

        parameters: list[inspect.Parameter] = []
        for each in own.parameters.values():
            parameters += added.values() if each.name == name else [each]
        setattr(run, "__signature__", own.replace(parameters=parameters))  # noqa: B010
        run.__annotations__ = {**command.__annotations__, **make.__annotations__}
        return run  # pyright: ignore[reportReturnType]

    return decorate


class SettingsCommand(TyperCommand):
    """A command of which some options may be settings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Describe the options."""
        describe(self.params)
        super().format_options(ctx, formatter)


class SettingsGroup(TyperGroup):
    """A group of commands that does something by itself, with options of which some may be settings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Describe the options, and list the commands."""
        describe(self.params)
        super().format_options(ctx, formatter)


def describe(options: Sequence[Any]) -> None:
    """Give options that are settings their help, and the others nothing."""
    for option in options:
        text = getattr(option, "help", None) or ""
        if text.startswith(_SETTING):
            model, field, *before = text.removeprefix(_SETTING).split(" ", 2)
            option.help = "".join(before) + _help(*schema(model, field), own_default=option.default is not None)


def schema(model: str, field: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The JSON schema of a setting, and those of the types that it may have."""
    from pydantic import TypeAdapter

    module, name = model.split(":")
    found = TypeAdapter(getattr(importlib.import_module(module), name)).json_schema()
    groups, said = found.get("$defs", {}), found
    for part in field.split("."):
        said = _resolved(said, groups)["properties"][part]
    return said, [_resolved(each, groups) for each in said.get("anyOf", [said])]


def _resolved(part: dict[str, Any], groups: dict[str, Any]) -> dict[str, Any]:
    return groups[part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def _help(said: dict[str, Any], types: Sequence[dict[str, Any]], *, own_default: bool) -> str:
    """The description, with what may be given and the default behind it in brackets, as the other options have it."""
    notes = ["|".join(map(str, each["enum"])) for each in types if "enum" in each]
    notes += [bounds for each in types if (bounds := _bounds(each))]
    if said.get("default") is not None and not isinstance(said["default"], dict) and not own_default:
        notes.append(f"default: {said['default']}")
    return said["description"] + (f"  [{'; '.join(notes)}]" if notes else "")


def _bounds(part: dict[str, Any]) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return ", ".join(f"{sign} {part[name]}" for name, sign in signs.items() if name in part)


def describe_settings(app: typer.Typer) -> None:
    """Have the commands of an app and of its groups describe the options that are settings."""
    for command in app.registered_commands:
        command.cls = SettingsCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            describe_settings(group.typer_instance)


def build(model: type[Settings], values: Mapping[str, Any], sets: Sequence[str] | None = None) -> Settings:
    """Settings from what was typed: options that were given (not None), then KEY=VALUE pairs with dotted keys.

    Raises InputError for an unknown name or a value out of bounds.
    """
    from pydantic import TypeAdapter, ValidationError

    merged: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    for pair in sets or ():
        _put(merged, pair)
    try:
        return TypeAdapter(model).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        if isinstance(cause := first.get("ctx", {}).get("error"), InputError):
            raise cause from error
        name = ".".join(str(part) for part in first["loc"]) or model.__name__
        unknown = first["type"] == "extra_forbidden"
        raise InputError.of(
            got=f"{name} = {first['input']!r}",
            expected="the name of a setting"
            if unknown
            else first["msg"].removeprefix("Input should be ").removeprefix("Value error, "),
            remedy="correct the option or the setting",
        ) from error


def _put(values: dict[str, Any], pair: str) -> None:
    import yaml

    name, equals, text = pair.partition("=")
    if not equals or not name:
        raise InputError.of(got=f"--set {pair}", expected="KEY=VALUE", remedy="write it as in --set epochs=5")
    *path, last = name.split(".")
    for part in path:
        values = values.setdefault(part, {})
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError.of(got=f"--set {pair}", expected="a value in YAML", remedy="correct it") from error


def absolute(path: Path | None) -> Path | None:
    """The path from the root, so that it means the same wherever the flow runs. UnicodeEncodeError if it is no text."""
    if path is None:
        return None
    str(path).encode()
    return path.absolute()
