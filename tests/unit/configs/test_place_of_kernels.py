"""Compiled kernels lie beside the sources, or in the home folder where those may not be written."""

from pathlib import Path

import pytest

from configs import kernels
from flows import checks


def test_the_home_folder_keeps_them_where_the_sources_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    assert kernels.place({}, tmp_path) == {}
    (tmp_path / "__pycache__").touch()  # no folder: what a read-only checkout is for root, too
    named = {"NUMBA_CACHE_DIR": str(tmp_path / "home" / "kernels")}
    assert kernels.place({}, tmp_path) == named
    assert kernels.place({"NUMBA_CACHE_DIR": "/mine"}, tmp_path) == {}
    monkeypatch.setenv("FORGE_THREADS", "many")
    assert kernels.place({}, tmp_path) == {}


def test_the_doctor_says_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks._kernels()
    assert found.sound
    assert Path(found.found.removeprefix("kept in ")).is_dir()
    monkeypatch.setattr("forge_core.solver.cpu.value_level", checks._kernels)
    assert checks._kernels().found == "kept nowhere"
