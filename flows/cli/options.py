"""Options shared by commands, and the way from options to settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

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
