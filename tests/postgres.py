"""A PostgreSQL server of our own, from the distribution's packages, that may be killed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")  # the machine itself does not fail


class Postgres:
    """A fresh PostgreSQL server without a password, on the loopback address alone; its folder goes with it."""

    def __init__(self) -> None:
        # PostgreSQL refuses to be root, and another user cannot reach the folders of a root's tests
        self._user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        self._folder = Path(tempfile.mkdtemp(prefix="forge-postgres-"))
        if self._user:
            shutil.chown(self._folder, **self._user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = str(probe.getsockname()[1])
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "--auth=trust", "--username=postgres", "-E", "UTF8", "--no-sync", "-D", "data").wait()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers; what is left of a killed one may need a moment to go."""
        options = [option for name in _DURABILITY for option in ("-c", f"{name}=off")]
        options += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", self._port]
        ask = ["-h", "127.0.0.1", "-p", self._port]
        deadline = time.monotonic() + 120
        self._server = self._run("postgres", "-D", "data", *options)
        while self._run("pg_isready", *ask).wait():
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.2)
            if self._server.poll() is not None:
                self._server = self._run("postgres", "-D", "data", *options)

    def kill(self) -> None:
        """kill -9 of its first process; the others go by themselves."""
        self._server.kill()
        self._server.wait()

    def sql(self, script: Path) -> None:
        """Run a script by psql, as its superuser."""
        words = ["-h", "127.0.0.1", "-p", self._port, "-U", "postgres", "-d", "postgres", "-f", "/dev/stdin"]
        run = subprocess.run(
            [_programs() / "psql", *words], input=script.read_bytes(), check=False, capture_output=True
        )
        assert run.returncode == 0, run.stderr.decode()

    def want_passwords(self) -> None:
        """From now on, who connects needs the password of the role."""
        rule = "host all all 127.0.0.1/32 scram-sha-256\n"
        (self._folder / "data" / "pg_hba.conf").write_text(rule)
        self._server.send_signal(signal.SIGHUP)

    def _run(self, program: str, *words: str) -> subprocess.Popen[Any]:
        with (self._folder / "log").open("ab") as log:
            command = [_programs() / program, *words]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._user)


def has_postgres() -> bool:
    """Whether PostgreSQL is installed."""
    try:
        return _programs().is_dir()
    except FileNotFoundError:
        return False


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise FileNotFoundError("initdb: install PostgreSQL (apt-get install postgresql)")
    return folders[-1]
