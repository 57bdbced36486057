"""Where chaos takes place: a Prefect server, a worker, and homes of installations, all in one temporary folder."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

from configs.installation import Installation, prefect_environment

FORGE = Path(sys.executable).with_name("forge")
ROOT = Path(__file__).parents[2]
LIMIT = 600  # seconds that anything may take on a busy machine


class Home:
    """The home of an installation that uses the site's server."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        dropped = ("PREFECT", "FORGE", "AWS")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        ours = prefect_environment(Installation(home=folder), api_url)
        self.environment = {**kept, **ours, "FORGE_HOME": str(folder), "FORGE_THREADS": "2", "NO_COLOR": "1"}

    def start(self, words: Sequence[str | Path], name: str = "run") -> subprocess.Popen[bytes]:
        """Start a program; what it says goes to `<name>.log` beside the home."""
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                words, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def forge(self, words: Sequence[str], name: str = "run") -> int:
        """Run `forge` to its end; its exit code."""
        return self.start([FORGE, *words], name).wait(LIMIT)

    def log(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{name}.log")

    def processes(self, part: str = "") -> list[int]:
        """The living processes of this home whose command line has this part."""
        return [pid for pid in _processes() if _belongs(pid, self.folder, exactly=True) and part in _words(pid)]


class Database(Protocol):
    """A database server that may be killed."""

    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...


class Site:
    """One server, on SQLite if no database is given, its worker when one is asked for, and the deployments."""

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.api_url = f"http://127.0.0.1:{self.port}/api"
        self.base = self.home("base")
        self.pool = self.home("pool")
        self._worker: subprocess.Popen[bytes] | None = None
        self.start_server()

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        for pid in _processes():
            if _belongs(pid, self.folder):
                kill(pid)
        if self.database is not None:
            self.database.kill()

    def home(self, name: str) -> Home:
        return Home(self.folder / name, self.api_url)

    def start_server(self) -> None:
        """Start the server, on the database of the last one, and wait until it answers."""
        words = [sys.executable, "-m", "flows.prefect_server", "server", "start", "--port", str(self.port)]
        self.base.environment.pop("PREFECT_LOGGING_CONFIG_PATH", None)
        if self.database is not None:
            self.base.environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = self.database.url
        process = self.base.start(words, "server")
        wait_until(self.answers, f"the server that process {process.pid} starts")

    def kill_server(self) -> None:
        for pid in self.base.processes("server"):
            kill(pid)

    def cut_database(self, seconds: float) -> None:
        """Kill the database and start it again after a while; or, on SQLite, keep everybody else out of it."""
        if self.database is not None:
            self.database.kill()
            time.sleep(seconds)
            self.database.start()
            return
        file = self.base.folder / "prefect" / "prefect.db"
        with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.api_url}/health", timeout=5):
            return True
        return False

    def prepare(self) -> None:
        """Put the automations on the server, which notice killed runs."""
        words = [sys.executable, "-c", "from flows.deploy import prepare; prepare()"]
        if self.base.start(words, "deploy").wait(LIMIT):
            raise RuntimeError(self.base.log("deploy").read_text())

    def deploy(self) -> None:
        """Put the deployments on the server."""
        if self.base.forge(["deploy"], "deploy"):
            raise RuntimeError(self.base.log("deploy").read_text())

    def start_worker(self) -> None:
        """Start the worker of the pool `cpu`, unless it runs."""
        if self._worker is None or self._worker.poll() is not None:
            words = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cpu", "--type", "process"]
            self._worker = self.pool.start(words, "worker")

    def kill_worker(self) -> None:
        """kill -9 of the worker and of the runs in its care."""
        for pid in self.pool.processes():
            kill(pid)
        if self._worker is not None:
            self._worker.wait()

    def ask(self, path: str, **query: Any) -> Any:
        """Ask the server's API, by POST when there is something to say; it may take some tries to answer."""
        body = json.dumps(query).encode() if query else None
        request = urllib.request.Request(self.api_url + path, body, {"Content-Type": "application/json"})
        for pause in (1, 2, 4, 8, 0):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except OSError:
                if not pause:
                    raise
                time.sleep(pause)
        return None

    def unfinished(self) -> list[str]:
        """The names and states of the runs that have not ended."""
        living = ["RUNNING", "PENDING", "CANCELLING"]
        runs = self.ask("/flow_runs/filter", flow_runs={"state": {"type": {"any_": living}}})
        return [f"{run['name']} ({run['state_name']})" for run in runs]


def wait_until(true: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    """Wait for something; TimeoutError names it."""
    deadline = time.monotonic() + limit
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit:.0f} seconds")
        time.sleep(0.1)


def kill(pid: int) -> None:
    """kill -9; nothing when it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _belongs(pid: int, folder: Path, *, exactly: bool = False) -> bool:
    """Whether the home of a process is this folder, or one in it."""
    with suppress(OSError):
        wanted = f"FORGE_HOME={folder}".encode()
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return wanted in environment or (not exactly and any(text.startswith(wanted + b"/") for text in environment))
    return False


def _words(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
