"""Telling processes apart."""

import psutil


def began(pid: int) -> str | None:
    """When a process began, in seconds since the machine did, which tells it from a later one with its number.

    None when it has ended; a child of this process that has is reaped.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            process.wait(timeout=0)
            return None
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return None
