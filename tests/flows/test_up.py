"""What watches over services: it starts again what has died, and ends with what was ended."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import server
from flows.up import Watch
from forge_core.errors import ForgeError


def pages(folder: Path) -> server.Service:
    """A service that is up in no time."""
    return server.Service(
        name="pages",
        title="some pages",
        folder=folder,
        port=0,
        health="/",
        command=lambda port: [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        environment=lambda port: dict(os.environ),
    )


def slow_pages(folder: Path, port: int) -> server.Service:
    """A service that takes a while until it listens, as Prefect's server does."""
    script = f"import time, os; time.sleep(2); os.execv({sys.executable!r}, {{}})"
    listen = pages(folder).command
    return replace(
        pages(folder),
        port=port,
        command=lambda port: [sys.executable, "-c", script.format([sys.executable, *listen(port)[1:]])],
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


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
@pytest.mark.parametrize(("free", "remedy"), [(1e9, "Read .*server.log, run"), (0, "Free some space")])
def test_a_server_that_ends_at_once_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, remedy: str
) -> None:
    service = replace(pages(tmp_path), command=lambda port: [sys.executable, "-c", ""])
    monkeypatch.setattr(server.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    server.start(service, tell=lambda _: None)
    with pytest.raises(ForgeError, match=f"which was started and has ended.*{remedy}"):
        server.wait(service)


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
def test_two_homes_that_start_at_once_have_servers_of_their_own(tmp_path: Path) -> None:
    """While neither listens yet, both would find the usual port free, and one the other's server healthy."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        usual = probe.getsockname()[1]
    homes = [slow_pages(tmp_path / name, usual) for name in ("one", "other")]
    try:
        addresses = [server.start(home, tell=lambda _: None).address for home in homes]
        for home in homes:
            server.wait(home)
        assert len(set(addresses)) == 2
        assert [server.address(home) for home in homes] == addresses
    finally:
        stopped = [server.stop(home) for home in homes]
    assert stopped == [True, True]
    assert server.start(homes[0], tell=lambda _: None).address == f"http://127.0.0.1:{usual}", "free again"
    server.stop(homes[0])


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


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    service = pages(tmp_path / "pages")
    server.start(service, tell=lambda _: None)
    server.wait(service)

    def when_it_watches() -> None:
        until(lambda: signal.getsignal(number) != signal.SIG_DFL)
        os.kill(os.getpid(), number)

    sender = meanwhile(when_it_watches)
    Watch([service], lambda _: None).run()
    sender.join()
    assert not server.is_running(service)


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Watch([pages(tmp_path / "never started")], lambda _: None).run()  # without a record it ends at once
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, usual)


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
def test_claims_of_ports_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "gettempdir", lambda: str(tmp_path))
    for number in range(3):
        service = pages(tmp_path / f"pages {number}")
        server.start(service, tell=lambda _: None)
        server.wait(service)
        server.stop(service)
    assert len(list(tmp_path.glob("*.lock"))) == 1, "the last one's, which the next start removes"


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
def test_a_server_gets_no_more_of_the_environment_than_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_API_HOST", "0.0.0.0")
    script = "import os; print(sorted(os.environ), os.getcwd())"
    service = replace(
        pages(tmp_path / "pages"),
        command=lambda port: [sys.executable, "-c", script],
        environment=lambda port: {"PATH": os.defpath},
    )
    server.start(service, tell=lambda _: None)
    until(lambda: not server.is_running(service))
    assert "PREFECT" not in service.log.read_text()
    assert str(service.folder) in service.log.read_text()
