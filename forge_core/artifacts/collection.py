"""A collection: files that are made elsewhere, block by block, each block with a receipt of what it made.

    <stage>/<key>/about.json            the key: what the files are, and what they were made from
    <stage>/<key>/files/                the files of all blocks, as a folder of the user's would hold them
    <stage>/<key>/receipts/<block>.json what a block made, written after its files: the receipts are the manifest
    inputs/<digest><suffix>             a folder, or a file with its suffix, that stages read
    inputs/<digest>.json                written after it: the input is there, and this is its name

Blocks may be made side by side, twice, or by a process that is killed: every file appears whole or not at all, and a
block without a receipt was not made.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import FileEntry, Source, list_folder
from forge_core.files import copy, sha256_of, write_text

ABOUT = "about.json"
FILES = "files"
RECEIPTS = "receipts"
INPUTS = "inputs"


class Receipt(BaseModel):
    """What came of a block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str = Field(description="The block's name.")
    files: tuple[FileEntry, ...] = Field(description="The files it made, their paths relative to the files' folder.")
    items: int = Field(description="How many deals, games or runs it was.")
    device: str = Field(description="The GPU that computed it, or cpu.")
    seconds: float = Field(description="Wall time of the container for it.")
    details: Mapping[str, Any] = Field(default={}, description="What the stage has to say of it, JSON values.")


def place_of(key: Key) -> str:
    """The folder of a collection, relative to the root: "generate/0f3c...", with forward slashes."""
    return f"{key.stage}/{key.digest[:24]}"


def block_name(items: Sequence[Any]) -> str:
    """A name for the block that makes these items, the same for the same items."""
    return sha256_of(repr(list(items)))[:24]


def input_name(source: Source) -> str:
    """What an input is called: its digest, and a file's suffix, by which readers tell what it is."""
    return source.digest + (source.path.suffix if source.path.is_file() else "")


def input_mark(source: Source) -> bytes:
    """The content of the file that is written when an input is there; see `input_path`."""
    return json.dumps({"name": input_name(source)}).encode()


def input_path(root: Path, digest: str) -> Path:
    """Where an input lies, a folder or a file. Raises OSError when it was never brought there whole."""
    mark = json.loads((root / INPUTS / f"{digest}.json").read_bytes())
    return root / INPUTS / mark["name"]


class Collection:
    """A collection in a folder of this machine."""

    def __init__(self, root: Path, key: Key) -> None:
        self.key = key
        self.folder = root / place_of(key)

    def receipt(self, block: str) -> Receipt | None:
        """The receipt of a block whose files are all there; None when it has to be made."""
        try:
            receipt = Receipt.model_validate_json(self._receipt_file(block).read_bytes())
        except (OSError, ValidationError):
            return None
        places = [(self.folder / FILES / file.path, file.size) for file in receipt.files]
        return receipt if all(path.is_file() and path.stat().st_size == size for path, size in places) else None

    def add(self, made: Path, receipt: Receipt) -> Receipt:
        """Take over the files in the folder `made`, then write the receipt, which lists them."""
        listed = receipt.model_copy(update={"files": list_folder(made).files})
        for file in listed.files:
            copy(made / file.path, self.folder / FILES / file.path)
        if not (self.folder / ABOUT).exists():
            write_text(self.folder / ABOUT, self.key.model_dump_json(indent=1))
        write_text(self._receipt_file(receipt.block), listed.model_dump_json())
        return listed

    def _receipt_file(self, block: str) -> Path:
        return self.folder / RECEIPTS / f"{block}.json"
