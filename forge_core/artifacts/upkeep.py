"""Keeping a store in order: what is in it, whether it is sound, and what nothing needs any more.

An object is kept when
    a key that leads to it, or the object itself, was of use within the days given, or since the oldest process that
    still runs began to use the store;
    it is pinned: a catalog or a folder names it (`pins`), or one that a pinned object was made from;
    a folder outside the store shares its files: to remove it would free nothing.
Everything else was made by a stage and is made again by it, should it be asked for: gc can cost time, never a result.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from forge_core.artifacts.backend import Backend, KeyFile, Orphan
from forge_core.artifacts.folder import Folder
from forge_core.artifacts.key import Entry

_DAY = 86400.0
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_TEXTS = (".json", ".md", ".toml", ".txt", ".yaml", ".yml")
_LARGEST_TEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """An object of a store and what refers to it.

    kind           of its references; "?" when no key leads to it
    size, files    bytes of all its files together, and how many there are
    used           when it or a key of it was last of use, in seconds since 1970
    entries, keys  the readable keys that lead to it, and the digests of them
    linked         a folder outside the store shares a file with it
    """

    digest: str
    kind: str
    size: int
    files: int
    used: float
    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    linked: bool

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that made it."""
        return tuple(sorted({entry.key.stage for entry in self.entries}))


class Corruption(NamedTuple):
    """A damaged object, and what is wrong with it."""

    item: Item
    words: str


class Plan(NamedTuple):
    """What gc would do.

    kept      objects that stay, each with the reason
    unneeded  objects to remove
    dangling  keys to remove, which lead to nothing
    orphans   what killed processes left behind, to remove
    cutoff    what was of use since then stays, in seconds since 1970
    """

    kept: list[tuple[Item, str]]
    unneeded: list[Item]
    dangling: list[KeyFile]
    orphans: list[Orphan]
    cutoff: float

    @property
    def size(self) -> int:
        """Bytes that it would free."""
        return sum(item.size for item in self.unneeded) + sum(orphan.size for orphan in self.orphans)


def inventory(backend: Backend) -> list[Item]:
    """All objects, by kind, those last of use first."""
    leading: defaultdict[str, list[tuple[KeyFile, Entry]]] = defaultdict(list)
    for key in backend.key_files():
        if key.entry is not None:
            leading[key.entry.reference.digest].append((key, key.entry))
    items: list[Item] = []
    for stored in backend.objects():
        keys = leading[stored.digest]
        item = Item(
            digest=stored.digest,
            kind=keys[0][1].reference.kind if keys else "?",
            size=stored.listing.size if stored.listing else 0,
            files=len(stored.listing.files) if stored.listing else 0,
            used=max([stored.used, *(key.used for key, _ in keys)]),
            entries=tuple(entry for _, entry in keys),
            keys=tuple(key.digest for key, _ in keys),
            linked=stored.linked,
        )
        items.append(item)
    return sorted(items, key=lambda item: (item.kind, -item.used))


def dangling_keys(backend: Backend) -> Iterator[KeyFile]:
    """The keys that cannot be read, or whose object is not there."""
    there = {stored.digest for stored in backend.objects()}
    for key in backend.key_files():
        if key.entry is None or key.entry.reference.digest not in there:
            yield key


def corruptions(
    backend: Backend, items: Collection[Item], *, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Corruption]:
    """Read the objects and yield the damaged ones; `on_bytes` is called with the size of each file that was read."""
    for item in items:
        if words := backend.corruption(item.digest, on_bytes=on_bytes):
            yield Corruption(item, words)


def plan(backend: Backend, *, days: float, pins: Collection[str] = ()) -> Plan:
    """What no key, no run of the last days and no pin needs; nothing is changed.

    days  how long an object that was not of use is kept
    pins  digests of objects that stay
    """
    now = time.time()
    cutoff = min(now - days * _DAY, backend.running_since() or now)
    items = inventory(backend)
    pinned = set(pins)
    origins = {
        source for item in items if item.digest in pinned for entry in item.entries for source in entry.key.inputs
    }
    kept: list[tuple[Item, str]] = []
    unneeded: list[Item] = []
    for item in items:
        if item.used >= cutoff:
            kept.append((item, "of use lately"))
        elif item.digest in pinned:
            kept.append((item, "pinned"))
        elif item.digest in origins:
            kept.append((item, "a pinned object was made from it"))
        elif item.linked:
            kept.append((item, "a folder shares its files"))
        else:
            unneeded.append(item)
    dangling = [key for key in dangling_keys(backend) if key.used < cutoff]
    return Plan(kept, unneeded, dangling, list(backend.orphans()), cutoff)


def abandoned_trainings(folder: Folder, training: Path, *, before: float) -> Iterator[Orphan]:
    """The checkpoints in `training` that no training has written to since, named by the keys of their runs."""
    for work in training.glob("*"):
        files = [file.stat() for file in work.rglob("*") if file.is_file()]
        changed = max((file.st_mtime for file in files), default=work.stat().st_mtime)
        if changed < before and not folder.is_locked(work.name):
            yield Orphan(str(work), "the checkpoint of a training", sum(file.st_size for file in files), changed)


def named_digests(folder: Path) -> set[str]:
    """The digests that the small text files of a folder name: those of a catalog, of a data set's manifest."""
    texts = (path for path in folder.rglob("*") if path.suffix in _TEXTS and path.stat().st_size < _LARGEST_TEXT)
    return {digest for path in texts for digest in _DIGEST.findall(path.read_text(errors="replace"))}


def collect(backend: Backend, plan: Plan) -> int:
    """Do what was planned, but for what became of use meanwhile; the bytes freed."""
    freed = 0
    for item in plan.unneeded:
        freed += item.size * backend.discard(item.digest, item.keys, before=plan.cutoff)
    for key in plan.dangling:
        backend.discard(key.entry and key.entry.reference.digest, [key.digest], before=plan.cutoff)
    for orphan in plan.orphans:
        freed += orphan.size * backend.clear(orphan)
    return freed
