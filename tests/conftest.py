"""What all tests share."""

import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if os.environ.get("FORGE_TEST_SHAPES"):  # before any module of ours is imported
    from tests.shapes import install

    install()

from forge_core.solver.gpu import DEFINES, SOURCE, CudaDevice, Device

# What starts the tests (nohup, a script's background, cron) may ignore these signals, and every process that they
# start would do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.environ.setdefault("PATH", os.defpath)


class FilesAndOneServer(LoadScopeScheduling):
    """A worker takes a file at a time, and one worker all files of tests/flows, which share a Prefect server.

    (Marks for xdist's own `loadgroup` are lost under this pytest, which no longer lets a plugin rename its items.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return "flows" if file.startswith("tests/flows/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndOneServer:
    return FilesAndOneServer(config, log)


settings.register_profile("forge", deadline=None, derandomize=True)
settings.load_profile("forge")


class HostDevice:
    """value_table.cu compiled by g++ behind host_device.cpp; arrays are numpy's."""

    name = "g++"
    xp = np

    def __init__(self, folder: Path) -> None:
        library = folder / "value_table.so"
        source = Path(__file__).parent / "unit" / "solver" / "host_device.cpp"
        command = [
            "g++",
            "-std=c++17",
            "-O2",
            "-shared",
            "-fPIC",
            *DEFINES,
            f"-I{SOURCE.parent}",
            "-o",
            library,
            source,
        ]
        subprocess.run(command, check=True, capture_output=True, text=True)
        self.library = ctypes.CDLL(str(library))

    def launch(self, kernel: str, threads: int, *arguments: Any) -> None:
        plain = [ctypes.c_int64(a) if isinstance(a, int) else ctypes.c_void_p(a.ctypes.data) for a in arguments]
        getattr(self.library, f"run_{kernel}")(ctypes.c_int64(threads), *plain)

    def free_bytes(self) -> int:
        return 100_000_000  # two deals at a time


@pytest.fixture(scope="session", params=["host", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Device:
    if request.param == "cuda":
        return CudaDevice()
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed, and it compiles the kernels for the CPU")
    return HostDevice(tmp_path_factory.mktemp("kernels"))
