"""Chaos at small scale: the faults that need no worker, on the small runs. `make chaos` does it in earnest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


FAULTS = 5


@pytest.mark.slow
def test_disturbed_runs_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    options = ["--faults", str(FAULTS), "--work", "generate", "--no-zombies", "--json", str(tmp_path / "chaos.json")]
    answer = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report = json.loads((tmp_path / "chaos.json").read_text())
    assert report["faults"] == report["recovered"] == FAULTS
    struck = {row["fault"] for row in report["by fault"]}
    assert {"kill -9 of the flow's process", "kill -9 of the server", "bytes of stored files changed"} <= struck
