"""Files and folders, and what can be wrong with the disk they lie on."""

import errno
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from forge_core.errors import StoreError

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""The numbers of the errors of a disk that is full or may not be written to."""


@contextmanager
def writing(where: Path) -> Generator[None]:
    """Full disks and missing permissions as StoreError; every other OSError as it is."""
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
def replacing(target: Path) -> Generator[Path]:
    """A name beside the target, which takes the target's place in the end."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # after a failure, or when both names were links to one file


def write(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing when it is not there."""
    if path.is_dir():
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
    """How many names a file has; 0 when it is not there."""
    try:
        return path.stat().st_nlink
    except FileNotFoundError:
        return 0
