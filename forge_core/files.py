"""Files: written whole or not at all, identified by SHA-256, and never outside the folder they belong to."""

import errno
import hashlib
import os
import re
import shutil
import struct
import uuid
import zipfile
import zlib
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from forge_core.errors import DamagedFile, InputError, StoreError

UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""`errno` of a file system that is full or may not be written to."""

_HEXADECIMAL: Final = re.compile("[0-9a-f]{64}")

SUMS: Final = "SHA256SUMS"
"""The file of a folder that names the others with their SHA-256, as `sha256sum` does."""


@contextmanager
def writing(where: Path) -> Generator[None]:
    """Turn "disk full" and "permission denied" into StoreError; every other OSError passes unchanged.

    Args:
        where: the folder that is written to, named in the message when the error names no file.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise StoreError.of(
            got=f"{error.strerror} while writing {error.filename or where}",
            expected=f"a writable file system with free space under {where}",
            remedy="free some space or choose another folder, then run it again",
        ) from error


@contextmanager
def replacing(target: Path, *, durable: bool = False) -> Generator[Path]:
    """Yield a temporary name beside `target`; when the block ends without an error, it is renamed to `target`.

    The folder is made if it is missing. Readers see the old file or the new one, never a part. After an error the
    temporary file is gone and `target` is untouched; a killed process leaves a hidden file behind.

    Args:
        target: the file, or folder that does not exist yet, to write.
        durable: flush a file to the disk before it gets its name, so that it also survives a power cut.

    Raises:
        InputError: `target` is a device or a pipe, which would be lost.
    """
    if target.exists() and not target.is_file() and not target.is_dir():
        raise InputError.of(got=f"{target}, a device or a pipe", expected="a file", remedy="name a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        remove(temporary)  # after an error, or when both names were links to one file


def write_bytes(path: Path, content: bytes | memoryview, *, durable: bool = False) -> None:
    """Write a file atomically; see `replacing`."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a text file atomically, in UTF-8 and without translating line ends; see `replacing`."""
    write_bytes(path, text.encode(), durable=durable)


def copy(source: Path, target: Path) -> None:
    """Copy the content of a file atomically; see `replacing`."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def sha256_of(content: Path | bytes | str) -> str:
    """SHA-256 in hexadecimal of a file's content (a Path), of bytes, or of a text in UTF-8."""
    if isinstance(content, Path):
        with content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def write_sums(folder: Path, digests: Mapping[str, str]) -> None:
    """Write the SHA256SUMS of a folder: names relative to it -> SHA-256 in hexadecimal."""
    write_text(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))


def read_sums(folder: Path) -> dict[str, str]:
    """What the SHA256SUMS of a folder says: name -> SHA-256; nothing when there is none. DamagedFile if it was cut."""
    try:
        text = (folder / SUMS).read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise _unlike_sums(folder / SUMS, f"it cannot be read: {problem}") from problem
    lines = [line.partition("  ") for line in text.splitlines()]
    if not text.endswith("\n") or not all(_HEXADECIMAL.fullmatch(digest) and name for digest, _, name in lines):
        raise _unlike_sums(folder / SUMS, "it was cut or changed")
    return {name: digest for digest, _, name in lines}


def check_sums(folder: Path, names: Iterable[str]) -> None:
    """Compare files with the SHA256SUMS of their folder, as far as it names them. Raises DamagedFile.

    A folder without one was written by hand or by an older version, and is read as it is.
    """
    sums = read_sums(folder)
    for name in names:
        if name in sums:
            compare_sum(folder / name, sha256_of(folder / name) if (folder / name).is_file() else None, sums[name])


def compare_sum(path: Path, found: str | None, expected: str) -> None:
    """DamagedFile unless a file's SHA-256 is the one that the SHA256SUMS names; None = the file is not there."""
    if found != expected:
        raise _unlike_sums(path, "it was deleted" if found is None else f"its SHA-256 is not the one in {SUMS}")


def _unlike_sums(path: Path, problem: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}, which is damaged ({problem})",
        expected=f"the files as {SUMS} lists them",
        remedy=f"have the folder written again by the command that made it, or restore it; delete {SUMS} if the change "
        "is your own",
    )


def check_records(archive: BinaryIO) -> None:
    """Check every record of a file that torch.save wrote, a zip archive, against the CRC-32 that was written with it.

    torch.load does not look at them. Checking them keeps the format as it is, and plain torch reads it. The file is at
    its beginning afterwards.

    Raises:
        ValueError: it is no such archive, it was cut, or a byte of a record has changed.
    """
    try:
        with zipfile.ZipFile(archive) as records:
            damaged = records.testzip()
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(f"it is no whole archive: {error}") from error
    if damaged is not None:
        raise ValueError(f"the checksum of its record {damaged} is wrong")
    archive.seek(0)


def safe_relative(name: str) -> PurePosixPath:
    """The relative path that `name` spells, for names from manifests, archives and other machines.

    Raises:
        InputError: `name` is empty or absolute, has a part that is empty, "." or "..", or contains a backslash, a
            colon or a control character (drive letters, other separators, terminal sequences).
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or not name.isprintable() or set(name) & set("\\:"):
        raise InputError.of(
            got=f"the file name {name!r}",
            expected="a relative path with forward slashes that stays in its folder",
            remedy="do not use this source: its names lead elsewhere",
        )
    return PurePosixPath(name)


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`, for reading or writing; nothing needs to be there yet.

    Raises:
        InputError: `safe_relative` refuses the name, or a symbolic link on the way leads out of the folder.
    """
    path = folder / safe_relative(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError.of(
            got=f"{name}, which leads out of {folder} by a symbolic link",
            expected="a file in that folder",
            remedy="replace the link by the file itself",
        )
    return path


def remove(path: Path) -> None:
    """Remove a file, a symbolic link, or a folder with all that is in it; nothing when it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files)


def changed(path: Path) -> float:
    """When a file or folder was last changed, in seconds since 1970; 0 when it is not there."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def links(path: Path) -> int:
    """How many hard links a file has; 0 when it is not there."""
    try:
        return path.stat().st_nlink
    except FileNotFoundError:
        return 0
