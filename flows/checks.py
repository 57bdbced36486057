"""What `forge doctor` looks at."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from configs.installation import Installation
from flows import server
from flows.health import Check
from flows.modal_checks import modal_checks

_PACKAGES = ("numba", "numpy", "polars", "torch", "lightning", "onnxruntime", "prefect", "mlflow")
_GIGABYTE = 1e9
_LEAST_FREE = 2  # GB that the demonstration and its servers take, with room to spare


def check_all() -> Iterator[Check]:
    """All checks, in the order in which they are worth reading."""
    installation = Installation()
    yield Check(
        "python",
        (3, 11) <= sys.version_info < (3, 13),
        f"{platform.python_version()} ({sys.executable})",
        "use Python 3.11 or 3.12",
    )
    yield from (_package(name) for name in _PACKAGES)
    yield _home(installation)
    yield Check("threads", True, f"{installation.thread_count()} (FORGE_THREADS changes it)")
    yield _gpu()
    yield _prefect(installation)
    yield from modal_checks()


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed", "run `make setup`")


def _home(installation: Installation) -> Check:
    home = installation.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free / _GIGABYTE
    except OSError as error:
        return Check("home", False, f"{home}: {error.strerror}", "set FORGE_HOME to a folder that can be written")
    return Check("home", free >= _LEAST_FREE, f"{home}, {free:.0f} GB free", f"free {_LEAST_FREE} GB of disk space")


def _gpu() -> Check:
    if (tool := shutil.which("nvidia-smi")) is None:
        return Check("gpu", True, "none; the processor does everything")
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    sound = answer.returncode == 0
    found = "; ".join(answer.stdout.split("\n")).strip("; ") if sound else answer.stdout.strip()
    return Check("gpu", sound, found, "repair the NVIDIA driver")


def _prefect(installation: Installation) -> Check:
    if given := os.environ.get("PREFECT_API_URL"):
        remedy = "start that server, or unset PREFECT_API_URL to use a local one"
        return Check("prefect server", server.is_healthy(f"{given}/health"), given, remedy)
    address = server.address(server.prefect_service(installation))
    return Check("prefect server", True, address or "not running; the first flow starts it")
