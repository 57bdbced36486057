"""A PostgreSQL server of its own, from the distribution's packages."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a fresh server's database `prefect`, as SQLAlchemy writes it; skips where none is installed."""
    folder = _programs()
    # PostgreSQL refuses to be root, and another user cannot reach the folders of a root's tests
    home = Path(tempfile.mkdtemp(prefix="forge-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(home, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = home / "data", home / "log"
    as_user = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    initdb = [folder / "initdb", "-D", data, "-U", "forge", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=home, **as_user)
    options = [option for name in _DURABILITY for option in ("-c", f"{name}=off")]
    options += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen([folder / "postgres", "-D", data, *options], stderr=output, cwd=home, **as_user)
    try:
        database = ["-h", "127.0.0.1", "-p", str(port), "-U", "forge", "prefect"]
        deadline = time.monotonic() + 120
        while subprocess.run([folder / "createdb", *database], capture_output=True, check=False).returncode:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"postgresql+asyncpg://forge@127.0.0.1:{port}/prefect"
    finally:
        server.send_signal(signal.SIGINT)  # ends its sessions; at SIGTERM it would wait for them
        server.wait(60)
        shutil.rmtree(home, ignore_errors=True)


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    return folders[-1]
