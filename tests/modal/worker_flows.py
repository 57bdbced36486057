"""Flows that end in every way that a flow can end; they run in Sandboxes."""

import os
import signal
import time
from pathlib import Path

from prefect import flow
from prefect.logging import get_run_logger


@flow
def complete(text: str) -> None:
    """Leaves a file on the Volume."""
    get_run_logger().info("says %s", text)
    (Path(os.environ["FORGE_HOME"]) / "note.txt").write_text(text)


@flow
def die() -> None:
    """As if the memory were used up."""
    os.kill(os.getpid(), signal.SIGKILL)


@flow
def wait() -> None:
    """Goes on until it is stopped."""
    time.sleep(600)
