"""From a training to a player: what a person types about seat networks, and the weekly turn."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from forge_core.expected_q.files import read_game
from forge_core.seat.settings import SeatMatch, SeatSettings

QUICK = SeatSettings(size="tiny").quick_check()
FEW = SeatMatch(deals=4, first_rival="random")
ASKED = ["--declaration", "sixes", "--hand", "6-6,6-5,6-4,6-2,5-5,4-4,1-0", "--json"]


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code != 0
    return f"{result.output} {result.exception}"


def test_from_a_training_to_a_champion_that_plays(home: Path, tmp_path: Path) -> None:
    from flows.seat import promote_seat, train_seat, weekly_seat
    from tasks.run import store
    from tasks.seat import seat_catalog

    network = train_seat(QUICK, output=tmp_path / "seat")
    assert network.kind == "seat"
    assert train_seat(QUICK) == network  # from the store
    assert {"model.safetensors", "config.json", "model.onnx", "model.fp16.onnx", "model.int8.onnx"} <= {
        path.name for path in store().path(network).iterdir()
    }
    first = promote_seat(network, FEW)
    assert first.promoted
    assert "random" in first.reason
    assert seat_catalog().champion() == first.name

    assert "not better" in refused("promote", str(tmp_path / "seat"), "--set", "deals=4")
    assert json.loads(run("models", "--json"))[-1] == {"name": f"seat/{first.name}", "champion": True}
    match = json.loads(run("arena", "seat:champion", "random", "--deals", "2", "--json"))
    assert match["pairs"] == 2
    for oracle in ("seat", f"seat:{tmp_path / 'seat'}", "rollout:worlds=4"):
        advice = json.loads(run("advise", *ASKED, "--oracle", oracle))
        assert len(advice["plays"]) == 7
        assert sum(advice["plays"][0]["final"]) == pytest.approx(1, abs=1e-4)
    for name, model in (("games", "champion"), ("again", tmp_path / "seat" / "model.onnx")):
        asked = (
            f"generate --oracle rollout:exact=5,model={model} --n-worlds 2 --set enumerate_up_to=2 --bid 30 --count 1"
        )
        run("eq", *asked.split(), "--output", str(tmp_path / name))
    game, again = (tmp_path / name / "train" / "seed_00000000.pt" for name in ("games", "again"))
    assert game.read_bytes() == again.read_bytes()
    assert read_game(game).settings.rollout_exact == 5
    assert read_game(game).oracle[0].startswith("rollouts of a seat network")
    (tmp_path / "no.onnx").write_bytes(b"no network")
    assert "no seat network" in refused("eq", "generate", "--oracle", f"rollout:model={tmp_path / 'no.onnx'}")
    assert "rollouts alone" in refused("advise", *ASKED, "--oracle", "seat", "--worlds", "9")

    turn = weekly_seat(QUICK.model_copy(update={"playout_tricks": 1, "epochs": 1}), FEW)
    assert "against" in turn.reason or "not better than" in turn.reason


def test_what_cannot_be_meant_is_refused_at_once(home: Path, tmp_path: Path) -> None:
    assert "--devices with --kind seat" in refused("train", "--kind", "seat", "--devices", "2")
    assert "size" in refused("train", "--kind", "seat", "--size", "giant")
    assert "no champion" in refused("arena", "seat:champion", "random", "--deals", "1")
    (tmp_path / "config.json").write_text('{"kind": "seat"}')
    assert "no seat network" in refused("promote", str(tmp_path))
    (tmp_path / "config.json").write_text('{"kind": "seat", "settings": {}}')
    assert "promoted by a match" in refused("promote", str(tmp_path), "--quick")
