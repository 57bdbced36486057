"""Whatever happens to the program or the network: nothing goes on at the service, nothing is paid above the budget,
and the next run makes only what is missing.

A heartbeat's life of 3 s stands for Modal's minute or so, which nobody documents; the client sends one every 0.3 s.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from control_plane import TOKEN, ControlPlane, Running, for_forge

from tasks.generate import STAGE
from tasks.remote.prices import PUBLISHED

LIFE = 3.0
DRIVER = Path(__file__).with_name("driver.py")
DEALS = 6

slow = pytest.mark.slow


@pytest.fixture
def plane(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    monkeypatch.setenv("MODAL_HEARTBEAT_INTERVAL", "0.3")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    control_plane.let_die(LIFE)
    yield control_plane
    control_plane.let_die(None)


def start(folder: Path, *budget: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(DRIVER), str(folder), str(DEALS), *budget]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def half_way(plane: ControlPlane) -> Callable[[Running], bool]:
    """Some blocks are on the Volume, and the others wait for ever."""
    return lambda running: len(receipts(plane)) >= 2 and not running.inputs


def receipts(plane: ControlPlane) -> list[Path]:
    return list((plane.volume_root / "crystal-forge").glob("generate/*/" + "?" * 24 + ".json"))


def hold(plane: ControlPlane, drivers: int = 1) -> None:
    """All blocks of so many programs but the first two are not given to a container."""
    plane.faults.delay = dict.fromkeys(range(2, drivers * DEALS), 600)


def ends(plane: ControlPlane, within: float) -> None:
    """Nothing of ours goes on at the service."""
    deadline = time.monotonic() + within
    while (plane.live_apps() or plane.running()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not plane.live_apps()
    assert not plane.running()


def finishes(plane: ControlPlane, folder: Path, *, missing: int) -> None:
    """The same command makes what is missing and nothing else."""
    plane.faults.delay = {}
    made = len(plane.inputs())
    driver = start(folder)
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    assert len(plane.inputs()) - made == missing
    assert len(list(folder.rglob("*.parquet"))) == DEALS
    assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    ends(plane, 2)


def disturbed(plane: ControlPlane, folder: Path, *signals: signal.Signals, pause: float = 0.3) -> subprocess.Popen[str]:
    hold(plane)
    driver = start(folder)
    plane.wait(half_way(plane), 60)
    for number in signals:
        driver.send_signal(number)
        time.sleep(pause)
    return driver


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([signal.SIGINT], id="Ctrl-C"),
        pytest.param([signal.SIGINT, signal.SIGINT], id="Ctrl-C twice"),
        pytest.param([signal.SIGTERM], id="SIGTERM", marks=slow),
        pytest.param([signal.SIGINT, signal.SIGTERM, signal.SIGINT], id="all at once", marks=slow),
    ],
)
def test_a_program_that_is_told_to_end_ends_its_app(
    plane: ControlPlane, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    plane.let_die(None)  # the program itself has to do it
    driver = disturbed(plane, tmp_path, *signals)
    driver.communicate(timeout=15)
    assert driver.returncode != 0
    ends(plane, 1)
    finishes(plane, tmp_path, missing=DEALS - 2)


def test_a_program_that_is_killed_is_noticed_by_the_service(plane: ControlPlane, tmp_path: Path) -> None:
    disturbed(plane, tmp_path, signal.SIGKILL).communicate()
    assert plane.live_apps()  # this is what a heartbeat's life costs
    ends(plane, LIFE + 2)
    finishes(plane, tmp_path, missing=DEALS - 2)


@slow
def test_a_program_that_is_suspended_is_noticed_too(plane: ControlPlane, tmp_path: Path) -> None:
    driver = disturbed(plane, tmp_path, signal.SIGSTOP)
    ends(plane, LIFE + 2)
    driver.send_signal(signal.SIGCONT)
    said, _ = driver.communicate(timeout=60)
    assert driver.returncode != 0
    assert "RemoteError" in said
    finishes(plane, tmp_path, missing=DEALS - 2)


def test_an_outage_that_is_shorter_than_the_heartbeats_life_is_survived(plane: ControlPlane, tmp_path: Path) -> None:
    plane.faults.delay = dict.fromkeys(range(2, DEALS), 3)
    driver = start(tmp_path)
    plane.wait(half_way(plane), 60)
    plane.cut_off(LIFE / 2)
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    assert len(plane.inputs()) == DEALS
    ends(plane, 2)


@slow
@pytest.mark.parametrize("seconds", [2 * LIFE, 10 * LIFE], ids=["a minute or two", "ten minutes"])
def test_an_outage_that_is_longer_ends_the_run(plane: ControlPlane, tmp_path: Path, seconds: float) -> None:
    driver = disturbed(plane, tmp_path)
    plane.cut_off(seconds)
    ends(plane, LIFE + 2)
    said, _ = driver.communicate(timeout=seconds + 90)
    assert driver.returncode != 0
    assert "RemoteError" in said
    plane.faults.outage = 0
    finishes(plane, tmp_path, missing=DEALS - 2)


@slow
def test_too_many_requests_are_asked_again(plane: ControlPlane, tmp_path: Path) -> None:
    plane.faults.exhausted = {"FunctionPutInputs": 3, "FunctionMap": 1}
    finishes(plane, tmp_path, missing=DEALS)


@slow
def test_a_service_that_is_slow_to_stop(plane: ControlPlane, tmp_path: Path) -> None:
    plane.faults.slow_stop = 8
    driver = disturbed(plane, tmp_path, signal.SIGINT)
    driver.communicate(timeout=20)
    assert driver.returncode != 0
    ends(plane, 2)


@slow
def test_a_full_disk_loses_nothing_that_was_made(plane: ControlPlane, tmp_path: Path) -> None:
    command = ["bash", "-c", f"ulimit -f 1; exec {sys.executable} {DRIVER} {tmp_path / 'folder'} {DEALS}"]
    driver = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert driver.returncode != 0
    assert len(receipts(plane)) == DEALS, driver.stdout + driver.stderr
    ends(plane, LIFE + 2)
    finishes(plane, tmp_path / "folder", missing=0)


@slow
def test_two_people_at_once(plane: ControlPlane, tmp_path: Path) -> None:
    plane.let_die(None)  # only a program that leaves its App may end it
    hold(plane, drivers=2)
    drivers = [start(tmp_path / name) for name in ("one", "two")]
    plane.wait(
        lambda running: len(plane.inputs()) == 2 * DEALS and len(receipts(plane)) > 0 and not running.inputs, 120
    )
    mine, others = plane.live_apps()
    if f"-{drivers[0].pid}" not in mine.name:
        mine, others = others, mine
    drivers[0].send_signal(signal.SIGINT)
    drivers[0].communicate(timeout=15)
    assert plane.live_apps() == [others], mine
    assert drivers[1].poll() is None
    drivers[1].send_signal(signal.SIGINT)
    drivers[1].communicate(timeout=15)
    ends(plane, 1)
    finishes(plane, tmp_path / "two", missing=DEALS - len(receipts(plane)))


@slow
def test_the_local_servers_have_nothing_to_do_with_it(plane: ControlPlane, tmp_path: Path) -> None:
    driver = disturbed(plane, tmp_path)
    subprocess.run([str(Path(sys.executable).with_name("forge")), "down"], check=True, timeout=60, env=dict(os.environ))
    assert plane.live_apps()
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=15)
    ends(plane, 1)


@slow
@pytest.mark.parametrize("suspended", [False, True], ids=["it waits", "it is suspended"])
def test_the_budget_is_never_exceeded(plane: ControlPlane, tmp_path: Path, suspended: bool) -> None:
    assert STAGE.machine is not None
    second = PUBLISHED.second(STAGE.machine, None)  # US dollars of one container
    budget = second * (20 + LIFE + 1)  # pays a container for 20 s, and for as long as nobody notices the end
    hold(plane)
    driver = start(tmp_path, str(budget), str(LIFE))
    plane.wait(half_way(plane), 60)
    if suspended:
        driver.send_signal(signal.SIGSTOP)
        ends(plane, LIFE + 2)
        driver.send_signal(signal.SIGCONT)
    said, _ = driver.communicate(timeout=60)
    assert driver.returncode != 0
    assert suspended or "the budget pays" in said
    ends(plane, LIFE + 2)
    (app,) = plane._cloud.apps.values()
    assert (app.stopped_at - app.created_at) * second <= budget
    finishes(plane, tmp_path, missing=DEALS - 2)


@slow
def test_another_profile_is_another_account(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.let_die(None)
    with for_forge(tmp_path / "other") as other:
        profiles = {"mine": plane, "others": other}
        lines = [
            f'[{name}]\nserver_url = "{each.url}"\ntoken_id = "{TOKEN[0]}"\ntoken_secret = "{TOKEN[1]}"\n'
            for name, each in profiles.items()
        ]
        (tmp_path / "modal.toml").write_text("".join(lines))
        for name in ("MODAL_SERVER_URL", "MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "modal.toml"))
        monkeypatch.setenv("MODAL_PROFILE", "mine")
        driver = disturbed(plane, tmp_path / "folder")
        for name, count in (("others", 0), ("mine", 1)):
            assert len(plane.live_apps()) == 1, "a stop elsewhere stops nothing here, and does not say so"
            command = [str(Path(sys.executable).with_name("forge")), "modal", "stop", "--all"]
            stopped = subprocess.run(
                command,
                env=os.environ | {"MODAL_PROFILE": name},
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            assert f"{count} Apps were stopped" in stopped.stdout
        driver.communicate(timeout=30)
        assert driver.returncode != 0
        ends(plane, 1)
        assert not other.inputs()
        finishes(plane, tmp_path / "folder", missing=DEALS - 2)
