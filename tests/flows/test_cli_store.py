"""`forge store`: what it lists, finds and removes, and what it leaves alone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.storage import open_store
from flows.cli import app
from forge_core.artifacts.key import make_key
from forge_core.artifacts.reference import Reference

DAYS_40 = 40 * 86400


def forge(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["store", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORGE_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("FORGE_STORE", raising=False)
    return tmp_path / "home"


def make(kind: str) -> Reference:
    key = make_key(f"make {kind}", code="c0de", settings={})
    return open_store().build(key, lambda folder: write(folder / "text", kind * 500), kind=kind).reference


def write(path: Path, text: str) -> None:
    path.write_text(text)


def age(home: Path) -> None:
    for path in (home / "store").rglob("*.json"):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - DAYS_40))


def kinds(found: list[dict[str, Any]]) -> set[str]:
    return {item["kind"] for item in found}


def test_ls_shows_objects_kinds_and_what_refers_to_them() -> None:
    model, _ = make("model"), make("shards")
    code, out, _ = forge("ls")
    assert code == 0
    assert model.digest[:12] in out
    assert "make model" in out
    assert "5.5 kB" in out
    code, out, _ = forge("ls", "--kind", "model", "--json")
    (item,) = json.loads(out)
    assert (item["digest"], item["size"], item["stages"]) == (model.digest, 2500, ["make model"])


def test_verify_tells_damage_with_exit_code_1() -> None:
    model, shards = make("model"), make("shards")
    assert forge("verify") == (0, "2 of 2 objects are sound.\n", "")
    file = open_store().path(model) / "text"
    file.chmod(0o644)
    file.write_text("x")
    open_store().path(shards).with_suffix(".json").unlink()
    code, out, _ = forge("verify")
    assert code == 1
    assert "was changed" in out
    assert "a lookup notices" in out
    assert "0 of 2 objects are sound." in out
    code, out, _ = forge("verify", "--json")
    found = json.loads(out)
    assert code == 1
    assert [item["digest"] for item in found["damaged"]] == [model.digest]
    assert found["missing"] == [shards.short]


def test_gc_shows_first_and_removes_when_told(home: Path, tmp_path: Path) -> None:
    references = {kind: make(kind) for kind in ("shards", "tokens", "model")}
    (tmp_path / "models" / "champion").mkdir(parents=True)
    (tmp_path / "models" / "champion" / "card.json").write_text(json.dumps({"digest": references["model"].digest}))
    open_store().checkout(references["tokens"], tmp_path / "tokens")
    work = home / "training" / "abc"
    work.mkdir(parents=True)
    (work / "last.ckpt").write_text("checkpoint")
    os.utime(work / "last.ckpt", (0, 0))
    age(home)

    code, out, _ = forge("gc")
    assert code == 0
    assert references["shards"].digest[:12] in out
    assert "the checkpoint of a training" in out
    assert "would be freed by --delete" in out
    assert len(json.loads(forge("ls", "--json")[1])) == 3

    (plan,) = json.loads(forge("gc", "--delete", "--json")[1])
    assert kinds(plan["unneeded"]) == {"shards"}
    assert plan["freed"] == plan["size"] == references["shards"].size + len("checkpoint")
    assert kinds(json.loads(forge("ls", "--json")[1])) == {"tokens", "model"}
    assert not work.exists()


def test_gc_keeps_what_a_folder_that_is_named_holds(home: Path, tmp_path: Path) -> None:
    tokens = make("tokens")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "text").write_text("tokens" * 500)
    age(home)
    assert not json.loads(forge("gc", "--keep", str(tmp_path / "copy"), "--json")[1])[0]["unneeded"]
    (plan,) = json.loads(forge("gc", "--json")[1])
    assert [item["digest"] for item in plan["unneeded"]] == [tokens.digest]


def test_a_bucket_that_is_not_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_STORE", "s3://none/x?endpoint_override=127.0.0.1:9&scheme=http")
    code, _, err = forge("ls")
    assert code == 1
    assert err.count("Got ") == 1
    assert "Check the address, the credentials and the network" in err
