"""The commands, with a Prefect server, against the control plane."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane

pytestmark = pytest.mark.slow  # a Prefect server and processes that import everything
FORGE = str(Path(sys.executable).with_name("forge"))


@pytest.fixture
def home(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in {"FORGE_HOME": tmp_path / "home", "COLUMNS": "200", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    yield tmp_path / "home"
    forge("down")


def forge(*words: str, code: int = 0) -> str:
    answer = subprocess.run([FORGE, *words], capture_output=True, text=True, timeout=400, check=False)
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def test_from_generating_to_fetching(control_plane: ControlPlane, home: Path, tmp_path: Path) -> None:
    few = ["--states-per-deal", "20", "--on", "modal", "--max-containers", "2"]
    assert "Pass --yes" in forge("generate", "--count", "2", *few, code=2)
    said = forge("generate", "--start-seed", "899", "--count", "2", *few, "--yes", "--output", str(tmp_path / "shards"))
    assert "cost: expected" in said
    assert sorted(path.parent.name for path in (tmp_path / "shards").rglob("*.parquet")) == ["train", "val"]
    again = ["--output", str(tmp_path / "again")]  # the same blocks are on the Volume: nothing to agree to
    assert "cost:" not in forge("generate", "--start-seed", "899", "--count", "2", *few, *again)
    said = forge("generate", "--start-seed", "899", "--count", "2", *few, "--yes")  # the store has other blocks
    assert "Shards in the store" in said
    said = forge("generate", "--start-seed", "899", "--count", "2", "--states-per-deal", "20", "--dry-run")
    assert "0 files are missing" in said  # the same key, though it is asked for without --on
    assert "Apps on Modal" in forge("modal", "status")
    assert "1 files fetched" in forge("modal", "download", "--output", str(tmp_path / "val"), "--split", "val")
    assert "0 Apps" in forge("modal", "stop", "--all")
    assert "published" in forge("modal", "cost")
    control_plane.wait(lambda running: not running)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_flow_that_is_interrupted_leaves_nothing_behind(
    control_plane: ControlPlane, home: Path, tmp_path: Path, number: int
) -> None:
    forge("up", "--detach", "--no-mlflow")
    control_plane.faults.delay = {0: 600}
    command = [FORGE, "generate", "--count", "2", "--on", "modal", "--yes"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    for _ in range(1200):
        if control_plane.running().waiting:
            break
        time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode != 0
    control_plane.wait(lambda running: not running)
    assert not control_plane.live_apps()
