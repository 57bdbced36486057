"""Whatever happens to the process that drives a run, nothing of the run goes on."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import modal
import pytest
from control_plane import ControlPlane
from dispatch_app import app, namesake

from configs.modal import Place
from forge_core.errors import RemoteError
from tasks.remote import journal
from tasks.remote.control import open_runs, stop_app, stop_runs
from tasks.remote.dispatch import Dispatch, Input
from tasks.remote.journal import Journal
from tasks.remote.meter import Meter

DRIVER = Path(__file__).with_name("driver.py")


@pytest.fixture
def deployed(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    app.deploy()
    return control_plane


@pytest.fixture
def driver(deployed: ControlPlane) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a process that drives a run, and waits until two of its inputs are under way."""
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, str(DRIVER)], stderr=subprocess.PIPE, text=True)
        processes.append(process)
        deployed.wait(lambda running: len(running.inputs) == 2)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code", "outcome"),
    [
        pytest.param(signal.SIGINT, 130, "cancelled", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, -signal.SIGTERM, "cancelled", id="SIGTERM"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, "stopped: its process was killed", id="SIGKILL"),
    ],
)
def test_a_signal_stops_everything(
    deployed: ControlPlane, driver: Callable[[], subprocess.Popen[str]], number: int, code: int, outcome: str
) -> None:
    process = driver()
    process.send_signal(number)
    process.communicate(timeout=20)
    deployed.wait(lambda running: not running)
    wait_for_end()
    assert process.returncode in (code, -signal.SIGINT if number == signal.SIGINT else code)
    (run,) = journal.runs()
    assert (run.end, run.open, run.alive) == (outcome, {}, False)


def test_another_process_stops_a_run_that_is_driven(
    deployed: ControlPlane, driver: Callable[[], subprocess.Popen[str]]
) -> None:
    process = driver()
    (run,) = open_runs()
    assert run.state == "running"
    assert asyncio.run(stop_runs([run], why="asked")) == {}
    assert "stopped by `forge modal stop`" in process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert not deployed.wait(lambda running: not running)
    assert not open_runs()


def test_a_run_without_driver_and_guard_is_found_and_stopped(
    deployed: ControlPlane, driver: Callable[[], subprocess.Popen[str]]
) -> None:
    process = driver()
    for guard in children(process.pid):
        os.kill(guard, signal.SIGKILL)
    process.kill()
    process.wait()
    (run,) = open_runs()
    assert run.state == "abandoned"
    assert deployed.running()
    assert asyncio.run(stop_runs([run], why="asked")) == {}
    assert not deployed.wait(lambda running: not running)
    (run,) = journal.runs()
    assert run.end == "stopped: asked"


def test_the_app_is_stopped_with_all_that_nobody_knows(deployed: ControlPlane) -> None:
    namesake.deploy()
    modal.Function.from_name("crystal-forge", "rest").spawn(120)
    deployed.wait(lambda running: bool(running.inputs), 60)
    assert asyncio.run(stop_app([], why="asked")) == [namesake.app_id]
    deployed.wait(lambda running: not running and not running.containers)
    assert asyncio.run(stop_app([], why="asked")) == []


def test_a_call_whose_id_never_arrived_is_named_until_the_app_is_stopped(
    deployed: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    async def drive() -> None:
        function = modal.Function.from_name("dispatch", "work")
        await function.hydrate.aio()
        deployed.faults.broken = {"FunctionMap": 10**6}
        run = Dispatch(function, Journal.begin("test", gpu=None), Place(), Meter(0.0, 1), lambda *_: None)
        await run.run([Input("b0", {"block": "b0"})])

    with pytest.raises(RemoteError, match="from Modal for an input"):
        asyncio.run(drive())
    assert "the inputs b0 may go on" in caplog.text
    (run,) = open_runs()
    assert "1 inputs are not known to be stopped" in run.state
    assert asyncio.run(stop_runs([run], why="asked")) == {"b0": "the id of its call never arrived"}
    asyncio.run(stop_app(open_runs(), why="asked"))
    assert not open_runs()


def wait_for_end(seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.1)):
        if all(run.end for run in journal.runs()):
            return
        time.sleep(0.1)
    raise TimeoutError(f"no end in {next(journal.runs())}")


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]
