"""Keys and objects in a folder of this machine.

    objects/<ab>/<digest>/      the files of an object, read-only, never changed
    objects/<ab>/<digest>.json  its listing, written after the files: an object without a listing is not there
    keys/<ab>/<key>.json        which object a key led to, written last
    building/<name>/            what is being built; left behind only by a killed process
    locks/<name>.lock           locked while what is named so is being built
    users/<process>.lock        locked as long as that process runs, which uses the store

The times of last change of a key and of a listing say when they were last of use. Housekeeping removes what has not
been of use for long (`upkeep`); to note a use, and to look again and remove, exclude each other (the lock "use").
"""

import atexit
import os
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from forge_core.artifacts.backend import KeyFile, Orphan, Stored
from forge_core.artifacts.key import Entry
from forge_core.artifacts.listing import Listing, list_folder
from forge_core.files import UNWRITABLE, changed, links, remove, size_of, write_text
from forge_core.locks import acquire, is_held, locked, release

_LASTING = ("use", "objects")  # locks that belong to no single build


class Folder:
    """The keys and objects of a store, in a folder that is made when it is first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.name = str(self.root)

    def entry(self, key: str) -> Entry | None:
        """What is noted under a key's digest; None when nothing is. OSError or ValueError when it cannot be read."""
        path = self._key_file(key)
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        return entry if self._use(path) else None

    def put_entry(self, entry: Entry) -> None:
        """Note which object a key led to."""
        write_text(self._key_file(entry.key.digest), entry.model_dump_json(indent=1))

    def listing(self, digest: str) -> Listing | None:
        """The listing of an object; None when the object is not there. OSError or ValueError if it cannot be read."""
        try:
            return Listing.model_validate_json(self._listing_file(digest).read_bytes())
        except FileNotFoundError:
            return None

    def object(self, digest: str) -> Path:
        """The folder of an object, whether it is there or not."""
        return self.root / "objects" / digest[:2] / digest

    def use(self, digest: str) -> bool:
        """Note that an object is of use now; False when it is not there."""
        return self._use(self._listing_file(digest))

    def corruption(self, digest: str, *, on_bytes: Callable[[int], None] | None = None) -> str | None:
        """What is wrong with an object, in words; None when every file is there and has its digest."""
        try:
            expected = self.listing(digest)
            if expected is None:
                return "it was deleted"
            if not self.object(digest).is_dir():
                return "its files were deleted"
            found = list_folder(self.object(digest), on_bytes=on_bytes)
        except (OSError, ValueError) as error:
            return f"it cannot be read ({_first_line(error)})"
        return expected.difference(found) or (None if found.digest == digest else "its listing was changed")

    def publish(self, folder: Path) -> Listing:
        """Move a finished folder to its place among the objects, unless a sound object of this digest is there."""
        listing = list_folder(folder)
        target = self.object(listing.digest)
        with self.locked("objects"):
            if not self.use(listing.digest) or self.corruption(listing.digest):
                remove(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                for file in listing.files:
                    (folder / file.path).chmod(0o444)  # a hard link to it cannot be written into by mistake
                folder.rename(target)
                write_text(self._listing_file(listing.digest), listing.model_dump_json(indent=1))
        return listing

    @contextmanager
    def building(self, name: str) -> Generator[Path]:
        """An empty folder to build in, gone afterwards; the caller holds the lock of this name."""
        folder = self.root / "building" / name
        remove(folder)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            remove(folder)

    @contextmanager
    def locked(self, name: str) -> Generator[None]:
        """Hold the lock of a name, waiting for whoever holds it."""
        with locked(self._lock_file(name), keep=name in _LASTING):
            yield

    def hold_lease(self) -> None:
        """Note that this process uses the store, until it ends: what it used since is not removed meanwhile."""
        with suppress(OSError):  # a store that cannot be written to is not tidied up either
            _lease(self.root)

    def running_since(self) -> float | None:
        """When the oldest process that still runs began to use the store, in seconds since 1970."""
        running = [path.stat().st_mtime for path in self.root.glob("users/*.lock") if is_held(path)]
        return min(running, default=None)

    def key_files(self) -> Iterator[KeyFile]:
        """All keys, in no order."""
        for path in self.root.glob("keys/*/*.json"):
            with suppress(FileNotFoundError):  # somebody tidies up beside us
                used = path.stat().st_mtime
                try:
                    entry = Entry.model_validate_json(path.read_bytes())
                except ValidationError:
                    entry = None
                yield KeyFile(path.stem, entry, used)

    def objects(self) -> Iterator[Stored]:
        """All objects, in no order; those whose listing cannot be read, too."""
        for path in self.root.glob("objects/*/*.json"):
            with suppress(FileNotFoundError):
                used = path.stat().st_mtime
                try:
                    listing = Listing.model_validate_json(path.read_bytes())
                except ValidationError:
                    listing = None
                files = [path.with_suffix("") / file.path for file in listing.files] if listing else []
                yield Stored(path.stem, listing, used, linked=any(links(file) > 1 for file in files))

    def discard(self, digest: str | None, keys: Sequence[str], *, before: float) -> bool:
        """Remove an object and the keys that lead to it, unless one of them was of use since; whether it is gone."""
        marks = [*([self._listing_file(digest)] if digest else ()), *(self._key_file(key) for key in keys)]
        with self.locked("objects"):
            with self.locked("use"):
                if any(changed(mark) >= before for mark in marks):
                    return False
                for mark in reversed(marks):
                    mark.unlink(missing_ok=True)
            if digest:
                remove(self.object(digest))
        return True

    def orphans(self) -> Iterator[Orphan]:
        """What killed processes left behind, and nothing that a running one may still need."""
        for folder in self.root.glob("building/*"):
            if not self.is_locked(folder.name):
                yield Orphan(str(folder), "a build that was killed", size_of(folder), changed(folder))
        began = self.running_since() or time.time()
        for path in [*self.root.glob("objects/*/*"), *self.root.glob("keys/*/.*")]:
            unfinished = path.name.startswith(".") or not (path.suffix or path.with_name(f"{path.name}.json").exists())
            if unfinished and changed(path) < began:
                yield Orphan(str(path), "a write that was killed", size_of(path), changed(path))
        for place, what in (("locks", "the lock of a build that was killed"), ("users", "a process that ended")):
            for path in self.root.glob(f"{place}/*.lock"):
                if path.stem not in _LASTING and not is_held(path):
                    yield Orphan(str(path), what, 0, changed(path))

    def clear(self, orphan: Orphan) -> bool:
        """Remove an orphan, unless somebody has taken it up meanwhile; whether it is gone."""
        path = Path(orphan.place)
        lock = path if path.suffix == ".lock" else self._lock_file(path.name)
        with locked(lock, wait=False) as held:
            if held and path is not lock:
                with self.locked("objects"):
                    remove(path)
        return held

    def is_locked(self, name: str) -> bool:
        """Whether somebody holds the lock of a name."""
        return is_held(self._lock_file(name))

    def _use(self, mark: Path) -> bool:
        if not mark.exists():
            return False
        try:
            with self.locked("use"):
                os.utime(mark)
        except FileNotFoundError:
            return False  # removed just now
        except OSError as error:
            if error.errno not in UNWRITABLE:  # what can only be read is of use, too
                raise
        return True

    def _listing_file(self, digest: str) -> Path:
        return self.root / "objects" / digest[:2] / f"{digest}.json"

    def _key_file(self, key: str) -> Path:
        return self.root / "keys" / key[:2] / f"{key}.json"

    def _lock_file(self, name: str) -> Path:
        return self.root / "locks" / f"{name}.lock"


@cache
def _lease(root: Path) -> FileLock | None:
    """The locked file of this process: kept in the cache, it stays locked until the process ends."""
    lock = acquire(root / "users" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock")
    if lock is not None:
        atexit.register(release, lock)
    return lock


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
