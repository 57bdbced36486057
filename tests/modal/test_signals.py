"""What becomes of work on Modal when the program that asked for it is ended: why ours cancels by itself."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane
from modal_example import app

DRIVER = Path(__file__).with_name("modal_driver.py")


@pytest.fixture(scope="module")
def plane(shared_plane: ControlPlane) -> Iterator[ControlPlane]:
    with pytest.MonkeyPatch.context() as patch:
        for name, text in shared_plane.environment.items():
            patch.setenv(name, text)
        app.deploy()
        yield shared_plane
    shared_plane.reset()


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("way", "number", "goes_on"),
    [
        pytest.param("run", signal.SIGINT, False),
        pytest.param("spawn", signal.SIGINT, True),
        pytest.param("run", signal.SIGTERM, True, marks=slow),
        pytest.param("run", signal.SIGKILL, True, marks=slow),
        pytest.param("remote", signal.SIGINT, True, marks=slow),
        pytest.param("remote", signal.SIGTERM, True, marks=slow),
        pytest.param("spawn", signal.SIGKILL, True, marks=slow),
        pytest.param("wait", signal.SIGINT, True, marks=slow),
    ],
)
def test_only_an_interrupted_run_block_stops_what_it_started(
    plane: ControlPlane, way: str, number: signal.Signals, goes_on: bool
) -> None:
    driver = subprocess.Popen([sys.executable, DRIVER, way], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        running = plane.wait(lambda running: bool(running.inputs) or (way == "wait" and bool(running.containers)), 60)
        driver.send_signal(number)
        out, _ = driver.communicate(timeout=30)
    finally:
        driver.kill()
        driver.communicate()
    busy = [container for container in running.containers if container.input or way == "wait"]
    if goes_on:
        assert all(container.exit_code is None for container in busy)
        assert driver.returncode != 0
    else:
        plane.wait(lambda running: not running)
        assert (out, driver.returncode) == ("after the block\n", 0)  # as if nothing had happened
    plane.end()
