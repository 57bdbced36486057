"""Keys and objects in a bucket of an S3-compatible storage, under the same names and digests as in a folder.

    objects/<ab>/<digest>/...   the files of an object
    objects/<ab>/<digest>.json  its listing, written after the files: an object without a listing is not there
    keys/<ab>/<key>.json        which object a key led to, written last

A file in a bucket appears whole or not at all, and nothing is ever renamed. So machines need no lock: two that make
one artifact write equal bytes under equal names, in whatever order. The time at which a key was last written says when
it was last of use; a hit writes it again when that was more than a day ago.
"""

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from forge_core.artifacts.backend import KeyFile, Orphan, Stored
from forge_core.artifacts.key import Entry
from forge_core.artifacts.listing import FileEntry, Listing
from forge_core.errors import InputError, StoreError
from forge_core.files import inside
from forge_core.threads import worker_threads

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

_DAY = 86400.0
_AT_ONCE = 8  # files that are copied side by side
_CHUNK = 1 << 22


class Bucket:
    """The keys and objects of a store in a bucket.

    address  "s3://bucket/prefix", with options after a "?" as pyarrow takes them: endpoint_override, scheme, region.
             Credentials, and what the address leaves open, come from where every S3 client looks for them
             (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ~/.aws).

    Every method raises StoreError when the storage does not answer, or refuses. Opening it asks whether it is there.
    """

    def __init__(self, address: str) -> None:
        from pyarrow import ArrowInvalid
        from pyarrow.fs import FileSystem, FileType

        self.name = address.partition("?")[0]
        options = address + ("&" if "?" in address else "?") + "allow_delayed_open=true"  # one request for a small file
        try:
            self._files, self._root = FileSystem.from_uri(options)
        except ArrowInvalid as error:
            raise _wrong(address, str(error)) from error
        if not self._root.strip("/"):
            raise _wrong(address, "it names no bucket")
        with self._store_errors():
            if self._files.get_file_info(self._root.partition("/")[0]).type is not FileType.Directory:
                raise _wrong(self.name, "there is no such bucket")

    def entry(self, key: str) -> Entry | None:
        """What is noted under a key's digest; None when nothing is, or it cannot be read."""
        text = self._read(_key_name(key))
        try:
            return None if text is None else Entry.model_validate_json(text)
        except ValidationError:
            return None

    def put_entry(self, entry: Entry) -> None:
        """Note which object a key led to, and that it is of use now (once a day)."""
        name = _key_name(entry.key.digest)
        if _written(self._info(name)) < time.time() - _DAY:
            self._write(name, entry.model_dump_json(indent=1).encode())

    def has(self, digest: str) -> bool:
        """Whether an object is there."""
        return self._info(_listing_name(digest)).is_file

    def listing(self, digest: str) -> Listing | None:
        """The listing of an object; None when the object is not there. ValueError when it cannot be read."""
        text = self._read(_listing_name(digest))
        return None if text is None else Listing.model_validate_json(text)

    def put(self, folder: Path, listing: Listing) -> None:
        """Copy the files of an object that are not there yet, or of another size; its listing last."""
        base = _object_name(listing.digest)
        sizes = {self._path_in(listing.digest, info): info.size for info in self._list(base)}
        missing = [file.path for file in listing.files if sizes.get(file.path) != file.size]
        if missing or not self.has(listing.digest):
            self._each(lambda path: self._upload(folder / path, f"{base}/{path}"), missing)
            self._write(_listing_name(listing.digest), listing.model_dump_json(indent=1).encode())

    def get(self, digest: str, folder: Path) -> str | None:
        """Copy an object into an empty folder; what is wrong with it, in words, or None when it is whole."""

        def download(info: "FileInfo") -> FileEntry:
            path = self._path_in(digest, info)
            place = inside(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as copy:
                return self._read_through(info, path, copy.write)

        try:
            return self._compare(digest, download)
        except InputError as error:
            return f"a name in it leads elsewhere ({error})"

    def corruption(self, digest: str, *, on_bytes: Callable[[int], None] | None = None) -> str | None:
        """What is wrong with an object, in words; None when every file is there and has its digest."""

        def read(info: "FileInfo") -> FileEntry:
            entry = self._read_through(info, self._path_in(digest, info), len)
            if on_bytes is not None:
                on_bytes(entry.size)
            return entry

        return self._compare(digest, read)

    def running_since(self) -> float:
        """Nothing in a bucket says who uses it, and a use is noted once a day: two days ago, to be safe."""
        return time.time() - 2 * _DAY

    def key_files(self) -> Iterator[KeyFile]:
        """All keys, in no order."""
        infos = [info for info in self._list("keys") if info.extension == "json"]
        entries = self._each(lambda info: self.entry(info.base_name.removesuffix(".json")), infos)
        for info, entry in zip(infos, entries, strict=True):
            yield KeyFile(info.base_name.removesuffix(".json"), entry, _written(info))

    def objects(self) -> Iterator[Stored]:
        """All objects, in no order."""
        infos = [info for info in self._list("objects") if self._depth(info) == 1]

        def read(info: "FileInfo") -> Stored:
            digest = info.base_name.removesuffix(".json")
            try:
                return Stored(digest, self.listing(digest), _written(info))
            except ValueError:
                return Stored(digest, None, _written(info))

        yield from self._each(read, infos)

    def discard(self, digest: str | None, keys: Sequence[str], *, before: float) -> bool:
        """Remove an object and the keys that lead to it, unless one of them was written since; whether it is gone."""
        marks = [*([_listing_name(digest)] if digest else ()), *(_key_name(key) for key in keys)]
        if any(_written(self._info(mark)) >= before for mark in marks):
            return False
        for mark in reversed(marks):
            self._delete(self._path(mark))
        if digest:
            with self._store_errors(), suppress(FileNotFoundError):
                self._files.delete_dir(self._path(_object_name(digest)))  # whatever the files in it are called
        return True

    def orphans(self) -> Iterator[Orphan]:
        """What killed uploads left behind more than a day ago; a younger one may still go on."""
        files = [info for info in self._list("objects") if info.is_file]
        finished = {info.base_name.removesuffix(".json") for info in files if self._depth(info) == 1}
        parts = sorted((info for info in files if self._depth(info) > 1), key=self._folder_of)
        for folder, group in groupby(parts, key=self._folder_of):
            infos = list(group)
            changed = max(_written(info) for info in infos)
            if folder.rpartition("/")[2] not in finished and changed < time.time() - _DAY:
                yield Orphan(folder, "an upload that was killed", sum(info.size for info in infos), changed)

    def clear(self, orphan: Orphan) -> bool:
        """Remove an orphan; always true."""
        with self._store_errors(), suppress(FileNotFoundError):
            self._files.delete_dir(orphan.place)
        return True

    def _depth(self, info: "FileInfo") -> int:
        """How many folders lie between a file and "objects"."""
        return info.path.removeprefix(self._path("objects/")).count("/")

    def _folder_of(self, info: "FileInfo") -> str:
        """The folder of the object that a file belongs to."""
        group, digest = info.path.removeprefix(self._path("objects/")).split("/")[:2]
        return self._path(f"objects/{group}/{digest}")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _each(self, call: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        with worker_threads(_AT_ONCE) as pool:
            return list(pool.map(call, items))

    def _info(self, name: str) -> "FileInfo":
        with self._store_errors():
            return self._files.get_file_info(self._path(name))

    def _list(self, name: str) -> "list[FileInfo]":
        from pyarrow.fs import FileSelector

        with self._store_errors():
            found = self._files.get_file_info(FileSelector(self._path(name), allow_not_found=True, recursive=True))
            return [info for info in found if info.is_file]

    def _read(self, name: str) -> bytes | None:
        try:
            with self._store_errors(), self._files.open_input_stream(self._path(name)) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        with self._store_errors(), self._files.open_output_stream(self._path(name)) as file:
            file.write(content)

    def _upload(self, source: Path, name: str) -> None:
        with self._store_errors(), source.open("rb") as file, self._files.open_output_stream(self._path(name)) as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)

    def _read_through(self, info: "FileInfo", path: str, use: Callable[[bytes], object]) -> FileEntry:
        """Read a file in parts, hand them on, and describe it under a path."""
        digest, size = hashlib.sha256(), 0
        with self._store_errors(), self._files.open_input_stream(info.path) as file:
            while chunk := file.read(_CHUNK):
                use(chunk)
                digest.update(chunk)
                size += len(chunk)
        return FileEntry(path=path, sha256=digest.hexdigest(), size=size)

    def _compare(self, digest: str, read: Callable[["FileInfo"], FileEntry]) -> str | None:
        """Read all files of an object; how they differ from its listing, in words."""
        try:
            listing = self.listing(digest)
        except ValueError as error:
            return f"it cannot be read ({str(error).partition(chr(10))[0]})"
        if listing is None:
            return "it was deleted"
        entries: list[FileEntry] = self._each(read, self._list(_object_name(digest)))
        found = Listing(files=tuple(sorted(entries, key=lambda entry: entry.path)))
        return listing.difference(found) or (None if found.digest == digest else "its listing was changed")

    def _path_in(self, digest: str, info: "FileInfo") -> str:
        return info.path.removeprefix(self._path(_object_name(digest)) + "/")

    def _delete(self, path: str) -> None:
        try:
            with self._store_errors():
                self._files.delete_file(path)
        except FileNotFoundError:
            return

    @contextmanager
    def _store_errors(self) -> Generator[None]:
        """What the storage complains of as StoreError; full disks and files that are not there as they are."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:
                raise
            raise _wrong(self.name, str(error)) from error


def _wrong(address: str, words: str) -> StoreError:
    return StoreError.of(
        got=f"from the bucket {address}: {words}",
        expected="an S3-compatible storage that answers, and that may be read and written",
        remedy="check the address, the credentials and the network, then run it again; what was made is kept here",
    )


def _written(info: "FileInfo") -> float:
    """When a file was last written, in seconds since 1970; 0 when it is not there."""
    return float(info.mtime_ns or 0) / 1e9


def _object_name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _listing_name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}.json"


def _key_name(key: str) -> str:
    return f"keys/{key[:2]}/{key}.json"
