"""What `forge doctor` looks at."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from configs import container
from configs.installation import Installation, given_api_url
from flows import server
from flows.health import Check
from flows.modal_checks import modal_checks
from forge_core.errors import InputError

_PACKAGES = ("numba", "numpy", "polars", "torch", "lightning", "onnxruntime", "prefect", "mlflow")
_GIGABYTE = 1e9
_MEMORY = Path("/proc/meminfo")
_LEAST_FREE = 2  # GB of disk, and of memory, that the demonstration and its servers take, with room to spare
_PATIENCE = 30  # seconds for the NVIDIA driver to answer
_COMPILERS = ("gcc", "clang")  # that Triton looks for, unless CC names one


def check_all() -> Iterator[Check]:
    """All checks, in the order in which they are worth reading."""
    try:
        installation = Installation()
    except InputError as error:
        yield Check("settings", False, "a variable is wrong", str(error))
        return
    yield Check(
        "python",
        (3, 11) <= sys.version_info < (3, 13),
        f"{platform.python_version()} ({sys.executable})",
        "use Python 3.11 or 3.12",
    )
    yield from (_package(name) for name in _PACKAGES)
    yield _home(installation)
    yield from _memory()
    yield _kernels()
    yield Check("threads", True, f"{installation.thread_count()} (FORGE_THREADS changes it)")
    yield from _gpu()
    yield _prefect(installation)
    yield from modal_checks()


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed", "run `make env`")


def _home(installation: Installation) -> Check:
    home = installation.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free / _GIGABYTE
    except OSError as error:
        return Check("home", False, f"{home}: {error.strerror}", "set FORGE_HOME to a folder that can be written")
    return Check("home", free >= _LEAST_FREE, f"{home}, {free:.0f} GB free", f"free {_LEAST_FREE} GB of disk space")


def _kernels() -> Check:
    """Where the solver's compiled kernels are kept; nowhere, and every process takes half a minute to make them."""
    from forge_core.solver.cpu import value_level

    found = getattr(getattr(value_level, "_cache", None), "cache_path", None)
    remedy = "let FORGE_HOME, or the folder that NUMBA_CACHE_DIR names, be one that can be written"
    return Check("kernels", found is not None, f"kept in {found}" if found else "kept nowhere", remedy)


def _memory() -> Iterator[Check]:
    """What programs can still get, as Linux tells it; other systems are not asked."""
    if not _MEMORY.exists():
        return
    sizes = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
    total, free = (int(sizes[name].split()[0]) * 1024 / _GIGABYTE for name in ("MemTotal", "MemAvailable"))
    remedy, where = f"end other programs until {_LEAST_FREE} GB are free", ""
    if (ours := container.memory()) is not None and ours.limit / _GIGABYTE < total:
        total, free = ours.limit / _GIGABYTE, min(free, (ours.limit - ours.used) / _GIGABYTE)
        where, remedy = " in this container", f"{remedy}, or give the container more"
    yield Check("memory", free >= _LEAST_FREE, f"{free:.1f} of {total:.1f} GB free{where}", remedy)


def _gpu() -> Iterator[Check]:
    """The driver; if it answers, also what works on the GPU: torch, the solver, and the compiler that torch needs."""
    if (tool := shutil.which("nvidia-smi")) is None:
        yield Check("gpu", True, "none; the processor does everything")
        return
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        yield Check("gpu", False, f"nvidia-smi is silent for {_PATIENCE} s", "restart the machine or its NVIDIA driver")
        return
    sound = answer.returncode == 0
    found = "; ".join(answer.stdout.split("\n")).strip("; ") if sound else answer.stdout.strip()
    yield Check("gpu", sound, found, "repair the NVIDIA driver")
    if sound:
        yield from (_gpu_for_torch(), _gpu_for_solver(), _compiler())


def _gpu_for_torch() -> Check:
    import torch

    built = f"torch for CUDA {torch.version.cuda}" if torch.version.cuda else "torch without CUDA"
    remedy = "install a torch for the driver's CUDA (pytorch.org), and see that CUDA_VISIBLE_DEVICES hides no GPU"
    return Check("gpu for torch", torch.cuda.is_available(), built, remedy)


def _gpu_for_solver() -> Check:
    from forge_core.solver.gpu import cuda_device

    try:
        return Check("gpu for solver", True, f"CuPy on {cuda_device().name}")
    except InputError as error:
        return Check("gpu for solver", False, "deals are solved on the processor", str(error))


def _compiler() -> Check:
    """Without one, torch's compiler fails in the first step of a training on a GPU."""
    named = os.environ.get("CC")
    found = next(filter(None, map(shutil.which, [named] if named else _COMPILERS)), None)
    return Check("c compiler", found is not None, found or "none", "install gcc, or train with `--set compile=off`")


def _prefect(installation: Installation) -> Check:
    try:
        given = given_api_url()
    except InputError as error:
        return Check("prefect server", False, os.environ["PREFECT_API_URL"], str(error))
    if given:
        remedy = "start that server, or unset PREFECT_API_URL to use a local one"
        return Check("prefect server", server.is_healthy(f"{given}/health"), given, remedy)
    address = server.address(server.prefect_service(installation))
    return Check("prefect server", True, address or "not running; the first flow starts it")
