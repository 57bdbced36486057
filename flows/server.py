"""The local servers: Prefect's, which every flow reports to, and MLflow's pages. Started once, left running.

A server embedded in the flow's process takes as long to start every time, and ends with tracebacks and lost records;
one in the background costs its start once and shows its pages as long as it is wanted.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from configs.installation import Installation, prefect_environment
from forge_core.errors import ForgeError

RUN_PAGE = "/runs/flow-run/"
"""The path of a flow run's page in the Prefect UI, less its id."""

_START_LIMIT = 180  # seconds; a busy machine needs far longer than the usual ten
_STOP_LIMIT = 15


@dataclass(frozen=True, slots=True)
class Service:
    """A server of this installation: its name, folder, usual port, health page and command for a port."""

    name: str
    folder: Path
    port: int
    health: str
    command: Callable[[int], list[str]]
    environment: Callable[[int], dict[str, str]]

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.folder / "server.log"

    @property
    def record(self) -> Path:
        """Which process it is, and at which address."""
        return self.folder / "server.json"


def prefect_service(installation: Installation) -> Service:
    """The Prefect server on SQLite."""
    return Service(
        name="Prefect",
        folder=installation.prefect,
        port=4200,
        health="/api/health",
        command=lambda port: [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        environment=lambda port: _server_environment(installation, port),
    )


def mlflow_service(installation: Installation) -> Service:
    """The MLflow pages over the runs in the home folder."""
    options = ["--backend-store-uri", installation.tracking_uri, "--workers", "1", "--host", "127.0.0.1"]
    return Service(
        name="MLflow",
        folder=installation.mlflow,
        port=5000,
        health="/health",
        command=lambda port: [sys.executable, "-m", "mlflow", "server", *options, "--port", str(port)],
        environment=lambda port: {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"},
    )


def address(service: Service) -> str | None:
    """The address of a server that answers; None when it does not."""
    recorded = _recorded(service)
    return recorded[1] if recorded and is_healthy(recorded[1] + service.health) else None


def start(service: Service, *, tell: Callable[[str], None]) -> str:
    """Start a server in the background unless it runs; its address, at which `wait` waits for it to answer.

    Processes that start it at once start it once. `tell` gets a line when there will be something to wait for.
    """
    service.folder.mkdir(parents=True, exist_ok=True)
    with (service.folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if recorded := _recorded(service):
            return recorded[1]
        port = _free_port(service.port)
        tell(f"Starting the {service.name} server in the background (about ten seconds) ...")
        url, pid = f"http://127.0.0.1:{port}", _spawn(service, port)
        service.record.write_text(json.dumps({"pid": pid, "began": _began(pid), "address": url}))
        return url


def wait(service: Service) -> None:
    """Wait until a started server answers; ForgeError when it has ended, or does not answer within three minutes."""
    deadline = time.monotonic() + _START_LIMIT
    while (recorded := _recorded(service)) and time.monotonic() < deadline:
        if is_healthy(recorded[1] + service.health):
            return
        time.sleep(0.1)
    raise ForgeError.of(
        got=f"no answer from the {service.name} server that was started",
        expected=f"a healthy server within {_START_LIMIT} seconds",
        remedy=f"read {service.log}, run `forge down` and try again",
    )


def stop(service: Service) -> bool:
    """End the background server and wait until it is gone; False when none was running."""
    recorded = _recorded(service)
    service.record.unlink(missing_ok=True)
    if recorded is None:
        return False
    pid = recorded[0]
    for name, limit in ((signal.SIGTERM, _STOP_LIMIT), (signal.SIGKILL, _STOP_LIMIT)):
        try:
            os.killpg(pid, name)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + limit
        while _began(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
    return True


def is_healthy(url: str, *, limit: float = 5) -> bool:
    """Whether an address answers with success within `limit` seconds."""
    try:
        with urllib.request.urlopen(url, timeout=limit) as answer:
            return 200 <= answer.status < 300
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _recorded(service: Service) -> tuple[int, str] | None:
    """Process and address of a server that was started and has not ended."""
    try:
        record = json.loads(service.record.read_text())
        pid, began, url = int(record["pid"]), record["began"], str(record["address"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return (pid, url) if began and began == _began(pid) else None


def _began(pid: int) -> str | None:
    """When a process began, which tells it from a later one with its number; None when it has ended."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child that has ended would stay a zombie
    try:
        os.kill(pid, 0)
        if not Path("/proc/self").exists():
            return "unknown"
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _free_port(usual: int) -> int:
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ForgeError.of(got="no free port", expected="a free port on 127.0.0.1", remedy="end some other server")


def _spawn(service: Service, port: int) -> int:
    with service.log.open("wb") as log:
        process = subprocess.Popen(
            service.command(port),
            env={**os.environ, **service.environment(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not end it
        )
    return process.pid


def _server_environment(installation: Installation, port: int) -> dict[str, str]:
    environment = prefect_environment(installation, f"http://127.0.0.1:{port}/api")
    environment.pop("PREFECT_LOGGING_CONFIG_PATH")
    return environment
