"""A PostgreSQL server of our own, that may be killed."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.chaos.ground import free_port, kill, wait_until


class Postgres:
    """A PostgreSQL server in a folder, without a password, on the loopback address alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"
        # PostgreSQL refuses to run as root
        self._user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        folder.mkdir(parents=True)
        if self._user:
            folder.parent.chmod(0o711)
            shutil.chown(folder, **self._user)
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-D", folder / "data").wait()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        listen = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # what is left of a killed one may need a moment to go
            self._process = self._run("postgres", "-D", self.folder / "data", "-p", str(self.port), *listen)
            wait_until(lambda: self._process.poll() is not None or self._answers(), "PostgreSQL")
            if self._process.poll() is None:
                return
            time.sleep(0.2)
        raise TimeoutError((self.folder / "log").read_text())

    def kill(self) -> None:
        """kill -9 of its first process; the others go by themselves."""
        kill(self._process.pid)
        self._process.wait()

    def _answers(self) -> bool:
        return self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port)).wait() == 0

    def _run(self, program: str, *words: str | Path) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([binary(program), *words], stdout=log, stderr=log, cwd=self.folder, **self._user)


def binary(program: str) -> str:
    """Where a program of PostgreSQL is; FileNotFoundError when it is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    found = shutil.which(program) or next(map(str, places), None)
    if found is None:
        raise FileNotFoundError(f"{program}: install PostgreSQL (apt-get install postgresql)")
    return found
