"""The commands about the program itself and about hands that were played elsewhere."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app

HAND = {"declaration": "sixes", "hands": ["1-1,2-1,3-3,4-0,4-3,6-3,6-6", None, None, None], "plays": "2-1,4-2,2-2,3-2"}


def test_version() -> None:
    ran = CliRunner().invoke(app, ["--version"])
    assert ran.exit_code == 0
    assert ran.stdout.startswith("crystal-forge ")


def test_config_says_where_things_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    found = json.loads(CliRunner().invoke(app, ["config", "--json"]).stdout)
    assert found["places"]["home"] == str(tmp_path)
    assert found["variables"]["FORGE_HOME"] == str(tmp_path)
    assert "FORGE_STORE" in CliRunner().invoke(app, ["config"]).stdout


def test_import_and_review(tmp_path: Path) -> None:
    path, page = tmp_path / "hands.json", tmp_path / "page.html"
    path.write_text(json.dumps([HAND, HAND | {"bid": 99}]))
    checked = CliRunner().invoke(app, ["import", str(path), "--output", str(tmp_path / "sound.json")])
    assert checked.exit_code == 2
    assert "record 2: Got bid 99" in checked.output
    assert len(json.loads((tmp_path / "sound.json").read_text())) == 1
    arguments = ["review", str(tmp_path / "sound.json"), "--n-worlds", "5", "--html", str(page), "--json"]
    reviewed = CliRunner().invoke(app, arguments)
    assert reviewed.exit_code == 0
    assert json.loads(reviewed.stdout)[0]["decisions"][0]["domino"] == "2-1"
    assert "What the plays gave up" in page.read_text()
