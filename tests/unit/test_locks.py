import fcntl
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from forge_core import locks


def _hold(path: Path, held: Event) -> None:
    with locks.locked(path):
        held.set()
        time.sleep(60)


def test_a_lock_excludes_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one.lock"
    with locks.locked(path) as first, locks.locked(path, wait=False) as second:
        assert (first, second) == (True, False)
        assert locks.is_held(path)
    assert not path.exists()
    with locks.locked(path, wait=False) as again:
        assert again


def test_a_kept_lock_file_stays_and_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "use.lock"
    with locks.locked(path, keep=True):
        pass
    assert path.exists()
    assert not locks.is_held(path)


def test_a_lock_is_asked_for_on_a_file_that_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    usual = locks.lock_descriptor

    def seen(descriptor: int, *, blocking: bool) -> bool:
        modes.append(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE)
        return usual(descriptor, blocking=blocking)

    monkeypatch.setattr(locks, "lock_descriptor", seen)
    (tmp_path / "one.lock").touch()
    assert not locks.is_held(tmp_path / "one.lock")
    assert modes == [os.O_RDWR]  # NFS grants no exclusive lock on another one


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path, context = tmp_path / "one.lock", multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold, args=(path, held))
    process.start()
    assert held.wait(30)
    assert locks.is_held(path)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert not locks.is_held(path)
    with locks.locked(path, wait=False) as mine:
        assert mine


def test_threads_exclude_each_other_though_the_file_is_removed_each_time(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "one.lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with locks.locked(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_another_thread_may_release(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    lock = locks.acquire(path)
    assert lock is not None
    thread = threading.Thread(target=locks.release, args=(lock,))
    thread.start()
    thread.join()
    assert not path.exists()


def test_a_file_that_may_not_be_written_counts_as_held(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    path.touch()
    path.chmod(0o444)
    assert locks.is_held(path) == (os.getuid() != 0)  # root may write everywhere


def test_a_missing_file_is_not_held_and_not_made(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path / "none.lock")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_raises(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError), locks.locked(tmp_path / "one.lock"):
        pass
