"""What every data set of seeds has in common: naming, checking, finding gaps, claiming a file.

Shards and E[Q] games are such data sets. To add another kind:

1. Write one module with a subclass of `Dataset`, as `forge_core.shards.dataset` and `forge_core.expected_q.dataset` do:
   which items a seed has, the name of an item's file, the item that a name stands for, and a check that reads a file
   whole and returns the item that its metadata name.
2. Make a stage that writes the files, with `claim` around each.
3. Add a `Filler`, which names both, and its line in the registry of `flows.fillers`. Filling a folder or the store, dry
   runs, backfills and nightly runs work on any entry of it.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from forge_core.datasets.checked import CheckedFiles
from forge_core.errors import DamagedFile, DataError
from forge_core.locks import locked
from forge_core.shards.split import Split
from forge_core.threads import worker_threads

T = TypeVar("T")

_WINDOW = 10_000
"""Items looked up at a time when the gaps of a long or endless series are wanted in blocks."""


class Outcome(StrEnum):
    """What was done about an item: written; there already, or made by another process meanwhile; too large to make."""

    WRITTEN = "written"
    KEPT = "kept"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an item.

    Attributes:
        relative_path: where its file lies in the folder.
        outcome: what was done.
    """

    relative_path: Path
    outcome: Outcome


class Dataset(ABC, Generic[T]):
    """A kind of data set of seeds, with the settings that decide the content of its files.

    An item is what one file holds: for shards a deal and a declaration, for games a seed. The file of an item lies at
    `folder / relative_path(item)`, in the folder of the split that its seed belongs to. One rule holds for every file
    that is read or skipped: its name and its metadata name the same item. So an item appears once in a folder; a copy,
    or a file under another's name, raises DataError with both names.

    Attributes:
        suffix: how the file names end.
    """

    suffix: ClassVar[str]

    @abstractmethod
    def items(self, seeds: Iterable[int]) -> Iterator[T]:
        """The items of some seeds, seed by seed; `seeds` may be endless."""

    @abstractmethod
    def relative_path(self, item: T) -> str:
        """Where the file of an item lies in its folder, as in "train/seed_00000000_decl_0.parquet"."""

    @abstractmethod
    def seed_of(self, item: T) -> int:
        """The seed that an item belongs to; it decides the split."""

    @abstractmethod
    def parse(self, name: str) -> T | None:
        """The item that a file name (without folders) stands for; None when it is no such name."""

    @abstractmethod
    def identify(self, path: Path) -> T:
        """The item that the metadata of a file name, without reading the rest of it.

        Raises:
            DataError: it is damaged, or no file of this kind and version.
        """

    @abstractmethod
    def read_whole(self, path: Path) -> T:
        """Read all of a file, checksums verified, and return the item that its metadata name.

        Raises:
            DamagedFile: it is truncated or was changed since it was written.
            DataError: it is of another kind or version.
        """

    def check_settings(self, path: Path) -> None:
        """Raise InputError when a sound file was made with other settings, which must not be mixed with these."""

    def unwanted(self, folder: Path, items: Iterable[T]) -> list[T]:
        """The items that are known to be none that the settings want, such as deals that are too large."""
        return []

    def path(self, folder: Path, item: T) -> Path:
        """Where the file of an item lies."""
        return folder / self.relative_path(item)

    def check_name(self, path: Path, item: T) -> None:
        """Raise DataError unless the file of an item lies under its own name, in its own split."""
        if f"{path.parent.name}/{path.name}" != (own := self.relative_path(item)):
            raise DataError.of(
                got=f"{path}, which by its metadata is {own!r}",
                expected="every file under its own name and in its own split, or samples would count twice or leak",
                remedy="remove it if it is a copy; else give it its own name back",
            )

    def verify(self, path: Path) -> None:
        """Read a file whole, and check that its name and its metadata agree. Raises DataError."""
        self.check_name(path, self.read_whole(path))

    def is_sound(self, path: Path) -> bool:
        """Whether there is a file, and it is whole and unchanged. DataError when it is another item's, or foreign."""
        if not path.is_file():
            return False
        try:
            self.verify(path)
        except DamagedFile:
            return False
        return True

    def files(self, folder: Path) -> dict[str, os.DirEntry[str]]:
        """All files of the data set, by relative path and in its order, hidden ones left out.

        Raises:
            DataError: a name is not one that an item of this kind has; says which item it is by its metadata.
        """
        found: dict[str, os.DirEntry[str]] = {}
        for split in Split:
            for entry in sorted(_entries(folder / split), key=lambda entry: entry.name):
                if entry.name[0] == "." or not entry.name.endswith(self.suffix):
                    continue
                item, relative = self.parse(entry.name), f"{split.value}/{entry.name}"
                if item is None or self.relative_path(item) != relative:
                    self._refuse_name(Path(entry.path))
                found[relative] = entry
        return found

    def missing(self, folder: Path, items: Iterable[T]) -> list[T]:
        """The items without a sound file, in their order; what is unwanted is not missing.

        A file that is there is read whole once, and again when its size or time of change is another. A damaged one
        is missing. Raises DataError for files under a name that is not theirs.
        """
        present, checked = self.files(folder), CheckedFiles(folder)
        wanted = [(item, self.relative_path(item)) for item in items]
        there = {relative: present[relative] for _, relative in wanted if relative in present}
        unread = [(relative, entry) for relative, entry in there.items() if not checked.has(relative, entry)]
        with worker_threads(min(8, os.cpu_count() or 1)) as pool:
            sound = list(pool.map(lambda pair: self.is_sound(Path(pair[1].path)), unread))
        checked.add(pair for pair, good in zip(unread, sound, strict=True) if good)
        damaged = {relative for (relative, _), good in zip(unread, sound, strict=True) if not good}
        gaps = [item for item, relative in wanted if relative not in there or relative in damaged]
        unwanted = set(self.unwanted(folder, gaps))
        return [item for item in gaps if item not in unwanted]

    def missing_blocks(
        self, folder: Path, items: Iterable[T], *, size: int, limit: int | None = None
    ) -> Iterator[list[T]]:
        """What is missing, in blocks of at most `size`, at most `limit` items in all; `items` may be endless.

        The folder is looked at again from time to time, so that what another process made meanwhile is left out.
        """
        source, left = iter(items), limit
        while window := list(islice(source, _WINDOW)):
            gaps = self.missing(folder, window)[:left]
            for start in range(0, len(gaps), size):
                yield gaps[start : start + size]
            if left is not None:
                left -= len(gaps)
                if left == 0:
                    return

    def check_folder(self, folder: Path) -> None:
        """Check all names, and look at one sound file: InputError when it was made with other settings."""
        for entry in self.files(folder).values():
            if self.is_sound(path := Path(entry.path)):
                self.check_settings(path)
                return

    def _refuse_name(self, path: Path) -> None:
        self.check_name(path, self.identify(path))
        raise DataError.of(  # pragma: no cover - a name that is right for its metadata can be parsed
            got=f"the file name {path.name}", expected=f"a name of this kind, {self.suffix}", remedy="remove it"
        )


@contextmanager
def claim(path: Path, *, wait: bool, is_sound: Callable[[Path], bool]) -> Generator[Path | None]:
    """Claim a file of a data set, so that no two processes make it; yields the temporary file to write.

    Yields None when there is nothing to do here: a sound file is there, or another process holds the claim and `wait`
    is false. With `wait`, the other one is waited for, and its work taken over should it have been killed. The claim is
    an advisory lock, which ends with its process. Write the temporary file and rename it to `path` within the block.
    """
    if is_sound(path):
        yield None
        return
    with locked(path.with_name(f".{path.name}.lock"), wait=wait) as held:
        if not held or is_sound(path):
            yield None
            return
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return list(entries)
