"""Every script of examples/ runs as a newcomer would run it, and prints what it promises."""

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
