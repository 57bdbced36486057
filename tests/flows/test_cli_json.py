"""What prints a table prints JSON, too: every command has --json, or is named here with what it prints."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from forge_core.expected_q.files import write_game
from forge_core.expected_q.games import play_game
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.generate import write_deal
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.solver.search import search_q
from tests.commands import commands

LINES = {"tokenize", "train", "up", "down", "deploy", "ui", "table", "eq collate", "bid collate"}
LINES |= {"modal stop", "modal download"}
"""Commands that say a line or two, and print no table."""


def test_every_command_with_a_table_has_json() -> None:
    without = {name for name, command in commands() if not any("--json" in option.opts for option in command.params)}
    assert without == LINES


def printed(*words: str) -> object:
    ran = CliRunner().invoke(app, [*words, "--json"])
    assert ran.exit_code in (0, 1), ran.output
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_deal(DealRequest(0, None, 6), ShardSettings(states_per_deal=9), folder / "shards")
    write_game(play_game(0, ExactOracle(search_q, "1"), EqSettings(n_worlds=2)), folder / "games")
    return folder


def test_looking(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    shard = printed("shard", "show", str(made / "shards" / "train" / "seed_00000000_decl_6.parquet"))
    assert isinstance(shard, dict)
    assert (shard["seed"], shard["keep"], shard["rows"]) == (0, "samples", 9)
    game = printed("eq", "view", str(made / "games" / "train" / "seed_00000000.pt"))
    assert isinstance(game, dict)
    assert [decision["play"] for decision in game["decisions"]] == list(range(28))
    checks = printed("doctor")
    assert isinstance(checks, list)
    assert {"python", "numba"} <= {check["name"] for check in checks}
    assert printed("status") == {"services": {"Prefect": None, "MLflow": None}, "server": None}
    missing = printed("generate", "--count", "1", "--output", str(tmp_path / "new"), "--dry-run")
    assert missing == {"missing": "train/seed_00000000_decl_0.parquet"}


def test_why_a_contract_fails() -> None:
    words = ["--hand", "6-4,5-5,4-2,3-1,2-0,1-1,0-0", "--declaration", "sixes"]
    found = printed("bid", "why", *words, "--playouts", "4", "--seat-model", "highest")
    assert isinstance(found, dict)
    assert found["playouts"] == 4
    assert all(failure["points"] < 30 for reason in found["reasons"] for failure in reason["failures"])


@pytest.mark.usefixtures("home")
def test_filling(tmp_path: Path) -> None:
    filled = printed("generate", "--count", "1", "--states-per-deal", "9", "--output", str(tmp_path / "shards"))
    assert isinstance(filled, dict)
    assert (filled["made"], filled["skipped"]) == (1, [])
    backfilled = printed("backfill", "--end", "1", "--output", str(tmp_path / "back"), "--set", "states_per_deal=9")
    assert isinstance(backfilled, dict)
    assert (backfilled["made"], backfilled["missing"]) == (1, 0)
