"""The content-addressed store: every artifact is a folder named by the digest of what is in it.

    objects/<ab>/<digest>/      the files of an object, never changed
    objects/<ab>/<digest>.json  its listing, written after the files: an object without a listing is not there
    keys/<ab>/<key>.json        which object a key led to, written last
    building/<key>/             what is being built under a key; left behind only by a killed process
    locks/                      one file a key, locked with flock while its object is built

A process may be killed at any moment: what it leaves in building/ is deleted by the next build of that key. Two
processes that need one key share the work: the second waits and finds the object of the first.
"""

import errno
import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import Listing, list_folder
from forge_core.artifacts.reference import Reference
from forge_core.errors import StoreError

logger = logging.getLogger(__name__)

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class Built(NamedTuple):
    """The outcome of `Store.build`: the object, and whether it was there already."""

    reference: Reference
    cached: bool


class Entry(BaseModel):
    """A file of keys/: a key and the object it led to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    reference: Reference


class Store:
    """A store in a local folder, made when it is first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def path(self, reference: Reference) -> Path:
        """The folder of an object, to be read only; StoreError when it is not there."""
        if not self._listing_file(reference.digest).is_file():
            raise StoreError.of(
                got=f"{reference.short}, which is not in the store {self.root}",
                expected="an object that was built here",
                remedy="run the flow that makes it again",
            )
        return self._object(reference.digest)

    def verify(self, reference: Reference) -> None:
        """Read the whole object; StoreError when it is missing or not what its digest says."""
        if fault := self._fault(reference.digest):
            raise StoreError.of(
                got=f"{reference.short}: {fault}",
                expected="an object whose files have the digest in its name",
                remedy="run the flow that makes it again; it will be replaced",
            )

    def find(self, key: Key) -> Reference | None:
        """The verified object of a key; None when there is none, or it is missing or damaged (the log says why)."""
        path = self._key_file(key)
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            logger.warning("The key file %s cannot be read (%s): %s is made again.", path, error, key.stage)
            return None
        if fault := self._fault(entry.reference.digest):
            logger.warning("Stored %s: %s; it is made again.", entry.reference.short, fault)
            return None
        return entry.reference

    def build(self, key: Key, make: Callable[[Path], None], *, kind: str) -> Built:
        """The object of a key: the stored one, or the one that `make` writes into the empty folder it is given.

        Waits while another process builds the same key. When `make` raises, nothing is left behind. StoreError when
        the store cannot be written (full disk, permissions).
        """
        if found := self.find(key):
            return Built(found, cached=True)
        with _storage_faults(self.root), self._locked(key.digest):
            if found := self.find(key):
                return Built(found, cached=True)
            building = self.root / "building" / key.digest
            _remove(building)
            building.mkdir(parents=True)
            try:
                make(building)
                reference = self._publish(building, kind)
            finally:
                _remove(building)
            _write(self._key_file(key), Entry(key=key, reference=reference).model_dump_json(indent=1))
            return Built(reference, cached=False)

    def checkout(self, reference: Reference, folder: Path) -> None:
        """Put an object's files into a folder of the user's: hard links, or copies on another file system.

        Files of the same name are replaced, each at once; other files are left alone.
        """
        source = self.path(reference)
        with _storage_faults(folder):
            for file in self._read_listing(reference.digest).files:
                _place(source / file.path, folder / file.path)

    def entries(self) -> Iterator[Entry]:
        """All keys of the store and the objects they led to, in no order; unreadable key files are skipped."""
        for path in self.root.glob("keys/*/*.json"):
            try:
                yield Entry.model_validate_json(path.read_bytes())
            except (ValidationError, OSError):
                continue

    def _publish(self, folder: Path, kind: str) -> Reference:
        """Move a finished folder to its place among the objects, replacing a damaged one of the same digest."""
        listing = list_folder(folder)
        target = self._object(listing.digest)
        with self._locked("objects"):
            if self._fault(listing.digest):
                _remove(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(target)
                _write(self._listing_file(listing.digest), listing.model_dump_json(indent=1))
        return Reference(kind=kind, digest=listing.digest, size=listing.size, files=len(listing.files))

    def _fault(self, digest: str) -> str | None:
        """What is wrong with an object, in words; None when every file is there and has its digest."""
        try:
            expected = {file.path: file for file in self._read_listing(digest).files}
            found = {file.path: file for file in list_folder(self._object(digest)).files}
        except FileNotFoundError:
            return "it was deleted"
        except (ValidationError, OSError, ValueError) as error:
            return f"it cannot be read ({error})"
        for path in sorted(expected.keys() | found.keys()):
            if path not in found:
                return f"its file {path} was deleted"
            if path not in expected:
                return f"the file {path} does not belong to it"
            if found[path] != expected[path]:
                return f"its file {path} was changed"
        return None if Listing(files=tuple(found.values())).digest == digest else "its listing was changed"

    def _read_listing(self, digest: str) -> Listing:
        return Listing.model_validate_json(self._listing_file(digest).read_bytes())

    def _object(self, digest: str) -> Path:
        return self.root / "objects" / digest[:2] / digest

    def _listing_file(self, digest: str) -> Path:
        return self.root / "objects" / digest[:2] / f"{digest}.json"

    def _key_file(self, key: Key) -> Path:
        return self.root / "keys" / key.digest[:2] / f"{key.digest}.json"

    @contextmanager
    def _locked(self, name: str) -> Generator[None]:
        path = self.root / "locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _storage_faults(where: Path) -> Generator[None]:
    """Full disks and missing permissions as StoreError; every other OSError as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StoreError.of(
            got=f"{error.strerror} while writing {error.filename or where}",
            expected=f"a writable file system with free space under {where}",
            remedy="free some space or choose another folder, then run it again",
        ) from error


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path) as temporary:
        temporary.write_text(text)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, temporary)


@contextmanager
def _temporary(target: Path) -> Generator[Path]:
    """A name beside the target, which takes the target's place in the end."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # after a failure, or when both names were links to one file
