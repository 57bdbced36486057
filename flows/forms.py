"""What a person fills in: parameters as the form of the Prefect UI shows them, and how what is typed there is read.

Commands and flows hand over references, paths and settings, which these types take as they are; text comes from forms.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from configs.installation import Installation
from configs.modal import Place
from configs.pipeline import PipelineSettings, load_preset, preset_names
from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings

T = TypeVar("T")


class _InOrder:
    """Gives the fields of settings their places: plain ones first, groups behind them.

    PostgreSQL keeps what it stores of a form sorted by the length of the names; the form goes by `position`.
    """

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        _number(schema, handler)
        return schema


class _OrPreset(_InOrder):
    """Settings field by field, or all at once by the name of a preset."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        fields = super().__get_pydantic_json_schema__(core_schema, handler)
        return {"anyOf": [fields, {"type": "string", "enum": preset_names(), "title": "Preset"}]}


def _number(schema: JsonSchemaValue, handler: GetJsonSchemaHandler) -> bool:
    """Number the fields of a group and of the groups in it; whether it was one."""
    inner = schema.get("items") or next((each for each in schema.get("anyOf", ()) if "$ref" in each), schema)
    if "$ref" not in inner or "properties" not in (group := handler.resolve_ref_schema(inner)):
        return False
    fields: dict[str, JsonSchemaValue] = group["properties"]
    groups = [name for name, field in fields.items() if _number(field, handler)]
    for position, name in enumerate([*(name for name in fields if name not in groups), *groups]):
        fields[name]["position"] = position
    return True


def _object(kind: str) -> BeforeValidator:
    """Reads what names an object of the store or a path; nothing typed is None."""

    def read(value: Any) -> Any:
        from tasks.find import LATEST, find_object
        from tasks.models import find_model, find_seat

        if not isinstance(value, str) or not value:
            return value or None
        find = {"model": find_model, "seat": find_seat}.get(kind)
        return find_object(value, kind) if find is None or value == LATEST else find(value)

    return BeforeValidator(read)


def _preset(stage: str | None = None) -> BeforeValidator:
    """Reads the name of a preset as its settings, or those of a stage in it."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        settings = load_preset(value)
        return settings if stage is None else getattr(settings, stage)

    return BeforeValidator(read)


def _place(value: Any) -> Any:
    """Reads a path, from FORGE_HOME if it is relative; nothing typed is None."""
    return Installation().place(Path(value)) if value and isinstance(value, str) else value or None


def _on(value: Any) -> Any:
    """Reads "modal:T4" as the place that it names; nothing typed is None."""
    return Place.parse(value) if value and isinstance(value, str) else value or None


def _typed(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description})


_EMPTY = Field(json_schema_extra={"default": ""})
"""What is not typed is an empty text; the form knows no None for a text."""

_TOKENS = 'Training arrays: "latest", the first digits of their digest in the store, or a folder.'
_MODEL = 'A model: "champion" or another name of the catalog, "latest", the first digits of its digest, or a path.'
_SEAT = _MODEL.replace("A model", "A seat network")

Settings = Annotated[T, _InOrder()]
Train = Annotated[TrainSettings, _preset("train"), _OrPreset()]
Pipeline = Annotated[PipelineSettings, _preset(), _OrPreset()]

Shards = Annotated[Reference | Path, _object("shards"), _typed(_TOKENS.replace("Training arrays", "Shards"))]
Tokens = Annotated[Reference | Path, _object("tokens"), _typed(_TOKENS)]
Model = Annotated[Reference | Path, _object("model"), _typed(_MODEL)]
ModelTokens = Annotated[
    Reference | Path | None, _object("tokens"), _typed(f"{_TOKENS} Empty: those that the model learned from."), _EMPTY
]
States = Annotated[
    Reference | Path | None, _object("tokens"), _typed(f"{_TOKENS} Empty: states that are made for it."), _EMPTY
]
Oracle = Annotated[Reference | Path | None, _object("model"), _typed(f"{_MODEL} Empty: the exact solver."), _EMPTY]
Initial = Annotated[
    Reference | Path | None, _object("model"), _typed(f"{_MODEL} Empty: weights drawn by the seed."), _EMPTY
]
Seat = Annotated[Reference | Path, _object("seat"), _typed(_SEAT)]
InitialSeat = Annotated[
    Reference | Path | None, _object("seat"), _typed(f"{_SEAT} Empty: weights drawn by the seed."), _EMPTY
]
Output = Annotated[
    Path | None, BeforeValidator(_place), _typed("A folder that gets the result, besides the store."), _EMPTY
]
Folder = Annotated[
    Path | None, BeforeValidator(_place), _typed("The folder that gets the files. Empty: objects of the store."), _EMPTY
]
On = Annotated[Place | None, BeforeValidator(_on), _InOrder()]
