"""What `forge doctor` says of memory and of a GPU, by programs that stand in for NVIDIA's."""

from pathlib import Path

import pytest
import torch

from flows import checks
from flows.health import Check


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def gpu() -> dict[str, Check]:
    return {check.name: check for check in checks._gpu()}


def test_memory_is_looked_at() -> None:
    (check,) = checks._memory()
    free, total = (float(word) for word in check.found.removesuffix(" GB free").split(" of "))
    assert 0 < free < total
    assert check.sound == (free >= 2)


@pytest.mark.usefixtures("tools")
def test_a_machine_without_a_gpu_is_sound() -> None:
    assert gpu() == {"gpu": Check("gpu", True, "none; the processor does everything")}


def test_a_driver_that_is_broken_or_silent_is_a_fault(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tools, "nvidia-smi", "echo Failed to initialize NVML; exit 9")
    assert gpu() == {"gpu": Check("gpu", False, "Failed to initialize NVML", "repair the NVIDIA driver")}
    put(tools, "nvidia-smi", "exec /bin/sleep 60")
    monkeypatch.setattr(checks, "_PATIENCE", 0.2)
    assert list(gpu()) == ["gpu"]
    assert "silent" in gpu()["gpu"].found


def test_what_works_on_the_gpu_is_looked_at_too(tools: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here, and what is said of it depends on the machine")
    put(tools, "nvidia-smi", "echo NVIDIA Abacus, 64 MiB")
    found = gpu()
    assert found["gpu"] == Check("gpu", True, "NVIDIA Abacus, 64 MiB", "repair the NVIDIA driver")
    assert not found["gpu for torch"].sound
    assert "pytorch.org" in found["gpu for torch"].remedy
    assert not found["gpu for solver"].sound
    assert "crystal-forge[gpu]" in found["gpu for solver"].remedy
    assert not found["c compiler"].sound
    assert "--set compile=off" in found["c compiler"].remedy
    put(tools, "gcc", "")
    assert gpu()["c compiler"].found == str(tools / "gcc")
