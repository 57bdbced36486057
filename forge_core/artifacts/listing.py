"""The listing of a folder: every file with its SHA-256 and size, and the digest over all of them."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from forge_core.errors import InputError


class FileEntry(BaseModel):
    """One file of a folder: its path relative to the folder (with forward slashes), SHA-256 and size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    size: int


class Listing(BaseModel):
    """All files of a folder, sorted by path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[FileEntry, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the lines "path NUL sha256 NUL size", in hexadecimal."""
        lines = (f"{file.path}\0{file.sha256}\0{file.size}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


class Source(NamedTuple):
    """A folder to read from and the digest of what is in it."""

    path: Path
    digest: str


def list_folder(folder: Path) -> Listing:
    """Read every file of the folder, in as many threads as there are cores, and list them.

    Hidden files and folders (a leading dot) are no part of the content. Raises InputError when it is not a folder.
    """
    if not folder.is_dir():
        raise InputError.of(
            got=f"the path {folder}, which is not a folder",
            expected="an existing folder",
            remedy="correct the path",
        )
    paths = sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return Listing(files=tuple(pool.map(_entry, repeat(folder), paths)))


def foreign_source(path: Path) -> Source:
    """A file or folder that lies outside the store, with its digest, so that it can be an input like any object."""
    if path.is_file():
        entry = _entry(path.parent, path)
        return Source(path, Listing(files=(entry.model_copy(update={"path": "file"}),)).digest)
    return Source(path, list_folder(path).digest)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _entry(folder: Path, path: Path) -> FileEntry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return FileEntry(path=path.relative_to(folder).as_posix(), sha256=digest, size=size)
