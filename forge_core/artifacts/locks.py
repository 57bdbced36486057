"""Locks as files: held by an open file, so that they end with their process, however that ends."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def flock(path: Path, kind: int, *, wait: bool = True) -> Generator[bool]:
    """Hold a lock file; yields False, without `wait`, when somebody else holds it."""
    try:
        file = open_locked(path, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    with file:
        yield True


def open_locked(path: Path, kind: int) -> IO[str]:
    """A lock file, open and locked; BlockingIOError when `kind` says not to wait and somebody else holds it.

    A lock file may be removed by whoever holds it: what is returned is the one that lies in the folder now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("a")
        try:
            fcntl.flock(file, kind)
            if os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()  # it was removed while this one waited: another process may hold the new one


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock file."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
