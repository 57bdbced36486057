"""What runs in the background of this machine: Prefect's server, MLflow's pages, and a worker for each work pool.

A server embedded in the flow's process takes as long to start every time, and ends with tracebacks and lost records;
one in the background costs its start once and shows its pages as long as it is wanted.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
from filelock import lock_descriptor

from configs.environment import LOOPBACK, bare
from configs.installation import Installation, local_environment, prefect_environment, sqlite_url
from configs.processes import began
from forge_core.errors import ForgeError
from forge_core.files import write_text
from forge_core.locks import locked

RUN_PAGE = "/runs/flow-run/"
"""The path of a flow run's page in the Prefect UI, less its id."""

_START_LIMIT = 180  # seconds; a busy machine needs far longer than the usual ten
_STOP_LIMIT = 15
_LEAST_FREE = 10_000_000  # bytes of disk, without which no server starts


@dataclass(frozen=True, slots=True)
class Service:
    """A process in the background: its names, folder, health page; usual port (0 = any), command, environment.

    The environment is all that the process gets: what the caller's holds is not added to it.
    """

    name: str
    title: str
    folder: Path
    port: int
    health: str
    command: Callable[[int], list[str]]
    environment: Callable[[int], dict[str, str]]

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self.folder / "server.log"

    @property
    def last_log(self) -> Path:
        """What it said the last time that it ran."""
        return self.folder / "server.log.1"

    @property
    def record(self) -> Path:
        """Which process it is, and at which address."""
        return self.folder / "server.json"


def prefect_service(installation: Installation) -> Service:
    """The Prefect server, on SQLite unless a database is named, for those who have the credential of the home."""
    words = ["-m", "flows.prefect_server", "server", "start", "--host", "127.0.0.1", "--port"]

    def environment(port: int) -> dict[str, str]:
        ours = local_environment(installation, f"http://127.0.0.1:{port}/api")
        database = next(
            filter(None, map(ours.get, _DATABASES)), sqlite_url("sqlite+aiosqlite", installation.prefect / "prefect.db")
        )
        prefect = {name: text for name, text in ours.items() if name.startswith("PREFECT_") and name not in _DATABASES}
        return _plain_log(
            _server_environment(installation)
            | prefect
            | {
                "PREFECT_SERVER_API_AUTH_STRING": installation.credential(),
                "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(port)),
                "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
                "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
            }
        )

    return Service(
        name="Prefect",
        title="the Prefect server",
        folder=installation.prefect,
        port=4200,
        health="/api/health",
        command=lambda port: [sys.executable, *words, str(port)],
        environment=environment,
    )


_DATABASES = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")


def mlflow_service(installation: Installation) -> Service:
    """The MLflow pages over the runs in the home folder, for pages and names of this machine alone."""
    options = ["--backend-store-uri", installation.tracking_uri, "--workers", "1", "--host", "127.0.0.1"]

    def command(port: int) -> list[str]:
        hosts = ",".join(f"{name}:{port}" for name in LOOPBACK)
        safety = ["--allowed-hosts", hosts, "--cors-allowed-origins", ",".join(_origins(port))]
        return [sys.executable, "-m", "flows.mlflow_server", "server", *options, *safety, "--port", str(port)]

    return Service(
        name="MLflow",
        title="the MLflow server",
        folder=installation.mlflow,
        port=5000,
        health="/health",
        command=command,
        # without the eight processes that wait for jobs that nobody here gives them
        environment=lambda port: {
            **_server_environment(installation),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
    )


def worker_service(installation: Installation, pool: str, api_url: str) -> Service:
    """A worker that runs the flows of a work pool, whatever its type, in the environment of this process.

    That is what `connect` has made of the caller's. Relative paths in it are those of this process.
    """
    name = f"{socket.gethostname()} {pool}"
    words = ["worker", "start", "--pool", pool, "--name", name, "--install-policy", "never", "--with-healthcheck"]
    places = {
        "FORGE_HOME": str(installation.home.absolute()),
        "FORGE_STORE": installation.bucket or str(installation.store),
        "FORGE_MODELS": str(installation.models.absolute()),
        "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
    }
    return Service(
        name=f"worker {pool}",
        title=f"a worker for the pool {pool}",
        folder=installation.home.absolute() / "workers" / pool,
        port=0,
        health="/health",
        command=lambda port: [sys.executable, "-m", "prefect", *words],
        environment=lambda port: {
            **os.environ,
            **prefect_environment(installation, api_url),
            **places,
            "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        },
    )


def known(installation: Installation) -> list[Service]:
    """What may run here, in the order in which it is started: both servers, and the workers that were started once."""
    workers = sorted(path.name for path in (installation.home.absolute() / "workers").glob("*"))
    servers = [prefect_service(installation), mlflow_service(installation)]
    return servers + [worker_service(installation, pool, "") for pool in workers]


def address(service: Service) -> str | None:
    """The address of a service that answers; None when it does not."""
    recorded = _recorded(service)
    return recorded[1] if recorded and is_healthy(recorded[1] + service.health) else None


def is_running(service: Service) -> bool:
    """Whether the process of a service lives, healthy or not."""
    return _recorded(service) is not None


class Started(NamedTuple):
    """Where a service answers, or soon will, and whether it has just been started."""

    address: str
    fresh: bool


def start(service: Service, *, tell: Callable[[str], None]) -> Started:
    """Start a service in the background unless it runs; `wait` waits until it answers.

    Processes that start it at once start it once. `tell` gets a line when there will be something to wait for.
    """
    with locked(service.folder / "start.lock"):
        if recorded := _recorded(service):
            return Started(recorded[1], fresh=False)
        port, claim = _free_port(service.port)
        tell(f"Starting {service.title} in the background (about ten seconds) ...")
        try:
            url, pid = f"http://127.0.0.1:{port}", _spawn(service, port, claim)
        finally:
            os.close(claim)
        write_text(service.record, json.dumps({"pid": pid, "began": began(pid), "address": url}))
        return Started(url, fresh=True)


def wait(service: Service) -> None:
    """Wait until a started service answers; ForgeError when it has ended, or does not answer within three minutes."""
    deadline = time.monotonic() + _START_LIMIT
    while (recorded := _recorded(service)) and time.monotonic() < deadline:
        if is_healthy(recorded[1] + service.health):
            return
        time.sleep(0.1)
    ended = " and has ended" * (recorded is None)
    full = shutil.disk_usage(service.folder).free < _LEAST_FREE
    raise ForgeError.of(
        got=f"no answer from {service.title}, which was started{ended}",
        expected=f"a healthy answer within {_START_LIMIT} seconds",
        remedy=(f"free some space, the disk of {service.folder} is full" if full else f"read {service.log}")
        + ", run `forge down` and try again",
    )


def stop(service: Service) -> bool:
    """End a service and all that it has started, and wait until they are gone; False when it was not running.

    They are asked to end, and killed when they have not after a while: a worker without its server would stay.
    """
    recorded = _recorded(service)
    service.record.unlink(missing_ok=True)
    if recorded is None:
        return False
    left: dict[int, str] = {}
    for number in (signal.SIGTERM, signal.SIGKILL):
        left |= _family(recorded[0])
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _STOP_LIMIT
        while left and time.monotonic() < deadline:
            time.sleep(0.1)
            left = {pid: since for pid, since in left.items() if began(pid) == since}
    return True


def is_healthy(url: str, *, limit: float = 5) -> bool:
    """Whether an address answers with success within `limit` seconds."""
    return _status(urllib.request.Request(url), limit) in range(200, 300)


def refuses_us(api_url: str) -> bool:
    """Whether a Prefect server wants another name and password than those of PREFECT_API_AUTH_STRING."""
    request = urllib.request.Request(f"{api_url}/admin/version")
    if auth := os.environ.get("PREFECT_API_AUTH_STRING"):
        request.add_header("Authorization", f"Basic {b64encode(auth.encode()).decode()}")
    return _status(request, 5) == http.HTTPStatus.UNAUTHORIZED


def _status(request: urllib.request.Request, limit: float) -> int | None:
    """The status of an answer; None when there is none within `limit` seconds. No proxy reaches this machine."""
    direct = [urllib.request.ProxyHandler({})] * (urlsplit(request.full_url).hostname in LOOPBACK)
    try:
        with urllib.request.build_opener(*direct).open(request, timeout=limit) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _recorded(service: Service) -> tuple[int, str] | None:
    """Process and address of a service that was started and has not ended."""
    try:
        record = json.loads(service.record.read_text())
        pid, start, url = int(record["pid"]), record["began"], str(record["address"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return (pid, url) if start and start == began(pid) else None


def _family(first: int) -> dict[int, str]:
    """The process, its group and all that these have started, with when each began.

    A flow that a worker runs is in a group of its own, which a signal to the worker's group would not reach.
    """
    family: set[int] = set()
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if first in (process.pid, os.getpgid(process.pid)):
                family |= {process.pid, *(child.pid for child in process.children(recursive=True))}
    return {pid: since for pid in family if (since := began(pid)) is not None}


def _free_port(usual: int) -> tuple[int, int]:
    """A port that is free and a claim on it, for the process that will listen there seconds from now."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                number = int(probe.getsockname()[1])
                return number, _claim(number)
            except OSError:
                continue
    raise ForgeError.of(got="no free port", expected="a free port on 127.0.0.1", remedy="end some other server")


def _claim(port: int) -> int:
    """A locked file, which says until it is closed that a port is taken; OSError when another process has said so.

    Without it, two homes whose servers start at once would choose the same port, and one take the other's for its own.
    The files of claims that have ended are removed.
    """
    claims = f"crystal-forge-{os.getuid()}-port-"
    for path in Path(gettempdir()).glob(f"{claims}*.lock"):
        with suppress(OSError):
            os.close(_lock(path))  # nobody holds it
            path.unlink()
    return _lock(Path(gettempdir()) / f"{claims}{port}.lock", os.O_CREAT)


def _lock(path: Path, flags: int = 0) -> int:
    """A descriptor of a file that this process alone has locked; OSError when it is not there, held, or was removed."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    try:
        if not lock_descriptor(descriptor, blocking=False) or not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise BlockingIOError(f"{path} is held by another process")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _spawn(service: Service, port: int, claim: int) -> int:
    if service.log.exists():
        service.log.replace(service.last_log)
    with service.log.open("wb") as log:
        process = subprocess.Popen(
            service.command(port),
            env=service.environment(port),
            cwd=service.folder,  # Prefect reads settings from files of the folder that it starts in
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not end it
            pass_fds=[claim],  # it holds the claim as long as it lives
        )
    return process.pid


def _origins(port: int) -> list[str]:
    return [f"http://{name}:{port}" for name in LOOPBACK]


def _server_environment(installation: Installation) -> dict[str, str]:
    return bare(os.environ) | {"FORGE_HOME": str(installation.home.absolute())}


def _plain_log(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process that is no flow, and logs as Prefect does."""
    return {name: value for name, value in environment.items() if name != "PREFECT_LOGGING_CONFIG_PATH"}
