"""What watches over services: it starts again what has died, and ends with what was ended."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import server
from flows.up import Watch


def pages(folder: Path) -> server.Service:
    """A service that is up in no time."""
    return server.Service(
        name="pages",
        title="some pages",
        folder=folder,
        port=0,
        health="/",
        command=lambda port: [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        environment=lambda port: {},
    )


def meanwhile(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")  # a service outlives what has started it
def test_what_has_died_is_started_again_and_what_was_ended_is_not(tmp_path: Path) -> None:
    service = pages(tmp_path / "pages")
    said: list[str] = []
    first = server.start(service, tell=said.append)
    server.wait(service)

    def kill_then_end() -> None:
        pid = int(service.record.read_text().partition('"pid": ')[2].partition(",")[0])
        os.kill(pid, signal.SIGKILL)
        until(lambda: (found := server.address(service)) and service.last_log.exists() and found)
        server.stop(service)

    killer = meanwhile(kill_then_end)
    Watch([service], said.append).run()
    killer.join()
    assert "it is started again" in said[1]
    assert str(service.last_log) in said[1]
    assert first.address.rpartition(":")[2] in service.last_log.read_text(), "the log of the one that died"
    assert said[-1] == "`forge down` has ended it."
    assert not server.is_running(service)
