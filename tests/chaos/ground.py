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
from typing import Any

from configs.installation import Installation, prefect_environment
from tests.home import FORGE, PATIENCE, Home, processes_of
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]


class SiteHome(Home):
    """The home of an installation that uses the site's server; what its programs say goes to files beside it."""

    def __init__(self, folder: Path, api_url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, **prefect_environment(Installation(home=folder), api_url), NO_COLOR="1")

    def launch(self, words: Sequence[str | Path], name: str = "run") -> subprocess.Popen[bytes]:
        """Start a program; what it says goes to `<name>.log` beside the home."""
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                words, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def log(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{name}.log")


class Site:
    """One server, on SQLite if no database is given, its worker when one is asked for, and the deployments."""

    def __init__(self, folder: Path, database: Postgres | None = None) -> None:
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
        for process in processes_of(self.folder, below=True):
            kill(process.pid)

    def home(self, name: str) -> SiteHome:
        return SiteHome(self.folder / name, self.api_url)

    def start_server(self) -> None:
        """Start the server, on the database of the last one, and wait until it answers."""
        words = [sys.executable, "-m", "flows.prefect_server", "server", "start", "--port", str(self.port)]
        self.base.environment.pop("PREFECT_LOGGING_CONFIG_PATH", None)
        if self.database is not None:
            self.base.environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = self.database.url
        process = self.base.launch(words, "server")
        wait_until(self.answers, f"the server that process {process.pid} starts")

    def kill_server(self) -> None:
        for process in self.base.processes("server"):
            kill(process.pid)

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
        if self.base.launch(words, "deploy").wait(PATIENCE):
            raise RuntimeError(self.base.log("deploy").read_text())

    def deploy(self) -> None:
        """Put the deployments on the server."""
        if self.base.launch([FORGE, "deploy"], "deploy").wait(PATIENCE):
            raise RuntimeError(self.base.log("deploy").read_text())

    def start_worker(self) -> None:
        """Start the worker of the pool `cpu`, unless it runs."""
        if self._worker is None or self._worker.poll() is not None:
            words = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cpu", "--type", "process"]
            self._worker = self.pool.launch(words, "worker")

    def kill_worker(self) -> None:
        """kill -9 of the worker and of the runs in its care."""
        for process in self.pool.processes():
            kill(process.pid)
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


def wait_until(true: Callable[[], bool], what: str, limit: float = PATIENCE) -> None:
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


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
