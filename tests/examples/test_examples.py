"""Every script of examples/ runs as a newcomer would run it, and prints what it promises."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = {"solve_and_look": "reachable states", "load_a_shard": "declaration", "ask_the_champion": "network"}


def test_each_example_is_tried() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_example(name: str, tmp_path: Path) -> None:
    if name == "load_a_shard":
        pytest.importorskip("pandas")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert PROMISED[name] in ran.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_goes_from_a_deal_to_a_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("marimo")
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = ROOT / "examples" / "notebooks" / "from_a_deal_to_advice.py"
    checked = subprocess.run([sys.executable, "-m", "marimo", "check", "--strict", str(path)], check=False)
    assert checked.returncode == 0
    spec = importlib.util.spec_from_file_location("notebook", path)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    _, found = notebook.app.run()
    assert found["table"].opening_value == max(found["q"].values())
    assert sorted(found["names"]) == sorted(found["q"])
    (axes,) = found["figure"].axes
    drawn = [bar.get_height() for bar in axes.patches]
    assert drawn == pytest.approx([play.mean for play in found["advice"].plays])
