"""Telling processes apart."""

import os
from contextlib import suppress
from pathlib import Path


def began(pid: int) -> str | None:
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
