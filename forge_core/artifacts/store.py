"""The content-addressed store: every artifact is a folder named by the digest of what is in it.

A store lies in a folder of this machine (`folder.Folder`), or in a bucket that several machines share
(`bucket.Bucket`); the folder is then this machine's copy of what it made and read, for stages work on files. Either
way an object is there when its listing is, and a key is written last.

A process may be killed at any moment: what it leaves in building/ is deleted by the next build of that key. Two
processes of a machine that need one key share the work: the second waits and finds the object of the first. Two
machines may both do it, and write the same bytes under the same names.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from forge_core.artifacts.bucket import Bucket
from forge_core.artifacts.folder import Folder
from forge_core.artifacts.key import Entry, Key
from forge_core.artifacts.reference import Reference
from forge_core.errors import DamagedFile, StoreError
from forge_core.files import SUMS, read_sums, remove, replacing, write_sums, writing

logger = logging.getLogger(__name__)


class Built(NamedTuple):
    """The outcome of `Store.build`: the object, and whether it was there already."""

    reference: Reference
    cached: bool


class Store:
    """A store in a folder of this machine, or in a bucket with its copy in that folder."""

    def __init__(self, root: Path, bucket: Bucket | None = None) -> None:
        self.folder = Folder(root)
        self.bucket = bucket

    @property
    def root(self) -> Path:
        """The folder of this machine."""
        return self.folder.root

    @property
    def backend(self) -> Folder | Bucket:
        """Where the store is: the bucket if it has one."""
        return self.bucket or self.folder

    def path(self, reference: Reference) -> Path:
        """The folder of an object, to be read only; StoreError when it is not there."""
        self.folder.hold_lease()
        if not self.folder.use(reference.digest) and not self._fetch(reference.digest):
            raise StoreError.of(
                got=f"{reference.short}, which is not in the store {self.backend.name}",
                expected="an object that was built here",
                remedy="run the flow that makes it again",
            )
        return self.folder.object(reference.digest)

    def verify(self, reference: Reference) -> None:
        """Read the whole object; StoreError when it is missing or not what its digest says."""
        if corruption := self.backend.corruption(reference.digest):
            raise StoreError.of(
                got=f"{reference.short}: {corruption}",
                expected="an object whose files have the digest in its name",
                remedy="run the flow that makes it again; it will be replaced",
            )

    def find(self, key: Key) -> Reference | None:
        """The verified object of a key; None when there is none, or it is missing or damaged (the log says why)."""
        self.folder.hold_lease()
        entry = self._find_here(key)
        if self.bucket is None:
            return entry and entry.reference
        if entry is not None:
            self._share(entry)  # it may be gone from there, or never have come there
            return entry.reference
        entry = self.bucket.entry(key.digest)
        if entry is None or not self._fetch(entry.reference.digest):
            return None
        self.folder.put_entry(entry)
        return entry.reference

    def build(self, key: Key, make: Callable[[Path], object], *, kind: str) -> Built:
        """The object of a key: the stored one, or the one that `make` writes into the empty folder it is given.

        Waits while another process of this machine builds the same key. When `make` raises, nothing is left behind.
        StoreError when the store cannot be written (full disk, permissions, no answer from the bucket), or when an
        input that is in the store was damaged before `make` had read it all.
        """
        with writing(self.root):
            if found := self.find(key):
                return Built(found, cached=True)
            with self.folder.locked(key.digest):
                if found := self.find(key):
                    return Built(found, cached=True)
                inputs = [digest for digest in key.inputs if self.folder.use(digest)]
                with self.folder.building(key.digest) as building:
                    make(building)
                    self._check_unchanged(inputs)
                    listing = self.folder.publish(building)
                reference = Reference(kind=kind, digest=listing.digest, size=listing.size, files=len(listing.files))
                entry = Entry(key=key, reference=reference)
                self.folder.put_entry(entry)
                self._share(entry)
            return Built(reference, cached=False)

    def checkout(self, reference: Reference, folder: Path) -> None:
        """Put an object's files into a folder of the user's: hard links, or copies on another file system.

        Files of the same name are replaced, each at once; other files are left alone. Links are read-only, as the
        store's files are. Their digests go into the folder's SHA256SUMS, which is written last: a folder in which this
        was interrupted has none, and what is in it is not compared until it is filled again.
        """
        source = self.path(reference)
        listing = self.folder.listing(reference.digest)
        placed = {file.path: file.sha256 for file in listing.files} if listing else {}
        with writing(folder):
            others = _sums_of_others(folder)
            remove(folder / SUMS)
            for name in placed:
                _place(source / name, folder / name)
            write_sums(folder, others | placed)

    def entries(self) -> Iterator[Entry]:
        """All keys of the store and the objects they led to, in no order; unreadable key files are skipped."""
        return (key.entry for key in self.backend.key_files() if key.entry is not None)

    def _check_unchanged(self, digests: Sequence[str]) -> None:
        """Raises StoreError when an object is not sound: what was made from it must not bear the name of its key."""
        for digest in digests:
            if corruption := self.folder.corruption(digest):
                raise StoreError.of(
                    got=f"the input {digest[:12]}: {corruption} while it was being read",
                    expected="inputs that stay what they are",
                    remedy="run the same again: the input is made again, and what needs it",
                )

    def _find_here(self, key: Key) -> Entry | None:
        try:
            entry = self.folder.entry(key.digest)
        except (OSError, ValueError) as error:
            words = str(error).partition("\n")[0]
            logger.warning("The key %s of %s cannot be read (%s): it is made again.", key.digest[:12], key.stage, words)
            return None
        if entry is not None and (corruption := self.folder.corruption(entry.reference.digest)):
            logger.warning("Stored %s: %s; it is made again.", entry.reference.short, corruption)
            return None
        return entry

    def _share(self, entry: Entry) -> None:
        """Put an object of the folder into the bucket, if there is one and it lacks the object; its key last."""
        listing = self.folder.listing(entry.reference.digest)
        if self.bucket is not None and listing is not None:
            self.bucket.put(self.folder.object(entry.reference.digest), listing)
            self.bucket.put_entry(entry)

    def _fetch(self, digest: str) -> bool:
        """Copy an object from the bucket into the folder; False when it is not there, or damaged (the log says so)."""
        if self.bucket is None or not self.bucket.has(digest):
            return False
        with writing(self.root), self.folder.locked(digest):
            if self.folder.corruption(digest) is None:
                return True
            with self.folder.building(digest) as copy:
                if corruption := self.bucket.get(digest, copy):
                    logger.warning("Stored %s in %s: %s; it is made again.", digest[:12], self.bucket.name, corruption)
                    self.bucket.discard(digest, (), before=float("inf"))
                    return False
                self.folder.publish(copy)
        return True


def _place(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, temporary)


def _sums_of_others(folder: Path) -> dict[str, str]:
    """What the SHA256SUMS of a folder says of files that are there."""
    with suppress(DamagedFile):
        return {name: digest for name, digest in read_sums(folder).items() if (folder / name).is_file()}
    return {}
