"""The first and smallest run on Modal's own machines: one seed on a T4, for a cent or so. `make test-live`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif("MODAL_TOKEN_ID" not in os.environ, reason="no MODAL_TOKEN_ID: this test needs an account"),
]


def forge(*words: str, home: Path) -> str:
    command = [str(Path(sys.executable).with_name("forge")), *words]
    answer = subprocess.run(
        command, env={**os.environ, "FORGE_HOME": str(home)}, capture_output=True, text=True, timeout=1800, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout + answer.stderr


@pytest.mark.parametrize("place", ["modal", "modal:T4"])
def test_one_seed_is_solved_on_modal_as_it_is_here(tmp_path: Path, place: str) -> None:
    home, shards = tmp_path / "home", tmp_path / "shards"
    limits = ["--budget", "0.25", "--max-containers", "1", "--time-limit", "600", "--yes"]
    seed = ["--start-seed", "4242", "--count", "1", "--states-per-deal", "1000"]
    try:
        forge("generate", *seed, "--on", place, *limits, "--output", str(shards), home=home)
        assert "Apps on Modal" in forge("modal", "status", home=home)
    finally:
        forge("modal", "stop", "--all", home=home)
        forge("down", home=home)
    (ours,) = write_block([DealRequest(4242, None, 2)], ShardSettings(states_per_deal=1000), tmp_path / "here")
    path = ours.relative_path
    assert (shards / path).read_bytes() == (tmp_path / "here" / path).read_bytes()
