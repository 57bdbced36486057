"""A collection: what calls of a stage made elsewhere, a block a call, each with a receipt.

    <stage>/<collection>/about.json     what all its blocks have in common
    <stage>/<collection>/<block>/       the files of a block, as a folder of the user's would hold them
    <stage>/<collection>/<block>.json   its receipt, written after its files: without one, it was not made
    inputs/<digest><suffix>             a folder, or a file with its suffix, that stages read
    inputs/<digest>.json                written after it: the input is there, and this is its name

Blocks may be made side by side, twice, or by a process that is killed: every file appears whole or not at all.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import FileEntry, Source, list_folder
from forge_core.errors import InputError
from forge_core.files import copy, inside, safe_relative, write_text

ABOUT = "about.json"
INPUTS = "inputs"
_DIGITS = 24  # of a digest, in the name of a folder


class Receipt(BaseModel):
    """What came of a block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str = Field(description="The block's name.")
    files: tuple[FileEntry, ...] = Field(min_length=1, description="The files it made, relative to its folder.")
    items: int = Field(description="How many deals, games or things it was.")
    device: str = Field(description="The GPU that computed it, or cpu.")
    seconds: float = Field(description="Wall time of the container for it.")
    details: Mapping[str, Any] = Field(default={}, description="What the stage has to say of it, JSON values.")

    @field_validator("files")
    @classmethod
    def _inside(cls, files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
        for file in files:
            safe_relative(file.path)
        return files


class Block:
    """The place of a call's files, relative to the root of a Volume, with forward slashes.

    Attributes:
        name: the block's, from its key.
        about: what it has in common with the other blocks of its collection.
    """

    def __init__(self, key: Key, items: str | None) -> None:
        """Args: the key; the field of its settings that tells the blocks of a collection apart, if they have one."""
        shared = {name: value for name, value in key.settings.items() if name != items}
        self.about = key.model_copy(update={"settings": shared})
        self.name = key.digest[:_DIGITS]

    @property
    def collection(self) -> str:
        """The folder of the collection: "generate/0f3c..."."""
        return f"{self.about.stage}/{self.about.digest[:_DIGITS]}"

    @property
    def files(self) -> str:
        """The folder of the block's files."""
        return f"{self.collection}/{self.name}"

    @property
    def receipt(self) -> str:
        """The file of its receipt."""
        return f"{self.files}.json"

    def read(self, root: Path) -> Receipt | None:
        """The receipt of a block whose files are all there; None when it has to be made."""
        try:
            receipt = Receipt.model_validate_json((root / self.receipt).read_bytes())
        except (OSError, ValidationError, InputError):
            return None
        places = [(root / self.files / file.path, file.size) for file in receipt.files]
        return receipt if all(path.is_file() and path.stat().st_size == size for path, size in places) else None

    def add(self, root: Path, made: Path, receipt: Mapping[str, Any]) -> Receipt:
        """Take over the files in the folder `made`, then write the receipt, which lists them."""
        listed = Receipt(block=self.name, files=list_folder(made).files, **receipt)
        for file in listed.files:
            copy(made / file.path, root / self.files / file.path)
        if not (root / self.collection / ABOUT).exists():
            write_text(root / self.collection / ABOUT, self.about.model_dump_json(indent=1))
        write_text(root / self.receipt, listed.model_dump_json())
        return listed


def input_name(source: Source) -> str:
    """What an input is called: its digest, and a file's suffix, by which readers tell what it is."""
    return source.digest + (source.path.suffix if source.path.is_file() else "")


def input_mark(source: Source) -> bytes:
    """The content of the file that is written when an input is there; see `input_path`."""
    return json.dumps({"name": input_name(source)}).encode()


def input_path(root: Path, digest: str) -> Path:
    """Where an input lies, a folder or a file. Raises OSError when it was never brought there whole."""
    mark = json.loads((root / INPUTS / f"{digest}.json").read_bytes())
    return inside(root / INPUTS, mark["name"])
