"""Advisory locks between processes and threads, as lock files (the package filelock).

The operating system ends a lock with the process that holds it, however that ends. A holder may remove the lock file:
whoever waits for it notices, and locks the file that has the name then.
"""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

_POLL_SECONDS = 0.02


@contextmanager
def locked(path: Path, *, wait: bool = True, keep: bool = False) -> Generator[bool]:
    """Hold the lock file `path` in the block; yields whether it is held, which is False only without `wait`.

    Args:
        path: the lock file; its folder is made if it is missing.
        wait: wait for another holder instead of yielding False.
        keep: leave the lock file there afterwards; for locks that are taken very often.

    Raises:
        OSError: the lock file cannot be made or written.
    """
    lock = acquire(path, wait=wait)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            release(lock, keep=keep)


def acquire(path: Path, *, wait: bool = True) -> FileLock | None:
    """Take the lock file `path` until `release` or the end of the process; None when another holds it and not `wait`.

    The lock is lost when the object that is returned is forgotten. Any thread may release it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False, poll_interval=_POLL_SECONDS, fallback_to_soft=False)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        return None
    return lock


def release(lock: FileLock, *, keep: bool = False) -> None:
    """Give a lock back; its file goes first unless `keep`, so that nobody finds it there and unlocked."""
    if not keep:
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock file `path`; one that may not be written counts as held.

    It is opened for writing, as NFS grants no exclusive lock on a file that is open for reading alone.
    """
    try:
        with path.open("r+b") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return True
