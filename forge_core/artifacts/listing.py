"""The listing of a folder: every file with its SHA-256 and size, and the digest over all of them."""

import os
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from forge_core.errors import InputError
from forge_core.files import SUMS, compare_sum, read_sums, sha256_of
from forge_core.threads import worker_threads


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
        return sha256_of("".join(lines))

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def difference(self, found: "Listing") -> str | None:
        """How the files found differ from these, in words; None when they do not."""
        ours = {file.path: file for file in self.files}
        theirs = {file.path: file for file in found.files}
        for path in sorted(ours.keys() | theirs.keys()):
            if path not in theirs:
                return f"its file {path} was deleted"
            if path not in ours:
                return f"the file {path} does not belong to it"
            if theirs[path] != ours[path]:
                return f"its file {path} was changed"
        return None


class Source(NamedTuple):
    """A folder to read from and the digest of what is in it."""

    path: Path
    digest: str


def list_folder(folder: Path, *, on_bytes: Callable[[int], None] | None = None) -> Listing:
    """Read every file of the folder, in as many threads as there are cores, and list them.

    Hidden files and folders (a leading dot) are no part of the content. `on_bytes` is called in this thread with the
    size of each file that was read. Raises InputError when it is not a folder.
    """
    if not folder.is_dir():
        raise InputError.of(
            got=f"the path {folder}, which is not a folder",
            expected="an existing folder",
            remedy="correct the path",
        )
    paths = sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix())
    entries: list[FileEntry] = []
    with worker_threads(os.cpu_count() or 1) as pool:
        for entry in pool.map(_entry, repeat(folder), paths):
            entries.append(entry)
            if on_bytes is not None:
                on_bytes(entry.size)
    return Listing(files=tuple(entries))


def foreign_source(path: Path) -> Source:
    """A file or folder that lies outside the store, with its digest, so that it can be an input like any object.

    It is read whole for the digest, so what a SHA256SUMS says of it is compared on the way. That file is no part of the
    content: a folder that a command filled from the store has the digest of the object in the store. DamagedFile when
    something is not what it says.
    """
    folder = path.parent if path.is_file() else path
    files = (_entry(folder, path),) if path.is_file() else list_folder(path).files
    found = {file.path: file.sha256 for file in files}
    for name, digest in read_sums(folder).items():
        if folder == path or name in found:
            compare_sum(folder / name, found.get(name), digest)
    if folder != path:
        return Source(path, Listing(files=(files[0].model_copy(update={"path": "file"}),)).digest)
    return Source(path, Listing(files=tuple(file for file in files if file.path != SUMS)).digest)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _entry(folder: Path, path: Path) -> FileEntry:
    return FileEntry(path=path.relative_to(folder).as_posix(), sha256=sha256_of(path), size=path.stat().st_size)
