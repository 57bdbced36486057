"""A process that stops a run on Modal when the process that drives the run has died: `python -m tasks.remote.guard`.

It waits at the other end of a pipe. When the pipe closes and the journal has no end, whoever held it was killed, and
all that the journal says is open is cancelled. Until then it imports nothing and does nothing.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def guarded(journal: Path) -> Generator[None]:
    """A guard over a run while the block lasts."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "tasks.remote.guard", str(journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what ends us with our terminal must not end it
    )
    try:
        yield
    finally:
        guard.communicate()


def main() -> None:
    """Wait for the end of the pipe, then stop what is open."""
    sys.stdin.buffer.read()
    from tasks.remote import journal

    run = journal.read(Path(sys.argv[1]))
    if run.end is None:
        from tasks.remote.control import stop_runs
        from tasks.remote.running import run as run_now

        run_now(stop_runs([run], why="its process was killed"))


if __name__ == "__main__":
    main()
