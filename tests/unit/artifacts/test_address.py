"""FORGE_STORE: a folder or a bucket, for the tasks and for `forge store`."""

import json
from pathlib import Path
from typing import Any

import pytest
from stored_numbers import build
from typer.testing import CliRunner

from configs.installation import Installation
from configs.storage import open_store
from flows.cli import app


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FORGE_STORE", raising=False)
    return tmp_path / "home"


def test_the_store_is_in_the_home_folder_or_in_the_one_that_is_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_store().root == home / "store"
    monkeypatch.setenv("FORGE_STORE", str(tmp_path / "large"))
    assert open_store().root == tmp_path / "large"
    assert Installation().bucket is None


def test_machines_share_a_bucket_and_forge_store_looks_into_it(
    home: Path, tmp_path: Path, storage: Any, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = build(open_store()).reference
    monkeypatch.setenv("FORGE_STORE", storage.address(prefix))
    assert build(open_store()).cached  # made before, and put there as it was found
    assert open_store().root == home / "store"

    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "another machine"))
    assert build(open_store()) == (ours, True)
    (item,) = json.loads(CliRunner().invoke(app, ["store", "ls", "--json"]).stdout)
    assert item["digest"] == ours.digest
    assert CliRunner().invoke(app, ["store", "verify"]).stdout == "1 of 1 objects are sound.\n"
    bucket, copy = json.loads(CliRunner().invoke(app, ["store", "gc", "--json"]).stdout)
    assert bucket["store"] == f"s3://forge/{prefix}"
    assert copy["store"] == str(tmp_path / "another machine" / "store")
    assert bucket["kept"] == copy["kept"] == 1
