"""The command line: what it prints, what it refuses, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.modal import Place
from flows.cli import app
from forge_core.errors import InputError
from tasks.devices import ONE_DEVICE, Hardware

RUNNER = CliRunner()


HAND = "6-4,5-5,4-2,3-1,2-0,1-1,0-0"


def forge(*words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command; an exception that is no exit is a bug and comes out."""
    result = RUNNER.invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "opening_values.json").read_text())


def test_solve_prints_the_deal_its_value_and_every_play() -> None:
    code, out, _ = forge("solve", "--seed", "0", "--declaration", "sixes", "--json")
    found = json.loads(out)
    assert code == 0
    assert list(found) == ["seed", "opponent_seed", "declaration", "hands", "value", "q", "reachable_states"]
    assert (found["seed"], found["opponent_seed"], found["declaration"]) == (0, None, 6)
    assert sorted(domino for hand in found["hands"] for domino in hand) == list(range(28))
    assert found["value"] == max(found["q"])

    code, table, _ = forge("solve", "--seed", "0", "--declaration", "6")
    assert code == 0
    assert f"value {found['value']:+d}" in table
    assert f"{found['reachable_states']:,} reachable states" in table


def test_solve_with_a_fixed_hand() -> None:
    hand = "6-6,6-5,6-4,6-2,6-1,6-0,2-2"
    code, out, _ = forge("solve", "--hand", hand, "--opponent-seed", "3", "--declaration", "sixes", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["hands"][0] == [5, 21, 22, 23, 25, 26, 27]
    assert (found["seed"], found["opponent_seed"], found["value"]) == (None, 3, 42)


def test_bid_tells_what_to_call(tmp_path: Path) -> None:
    poster = tmp_path / "hand.html"
    words = [
        "--hand",
        "6-6,6-5,6-4,6-3,6-2,6-1,6-0",
        "--declaration",
        "sixes,fives",
        "--samples",
        "20",
        "--playouts",
        "2",
    ]
    code, out, _ = forge("bid", *words, "--bids", "30,pass", "--dealer", "2", "--poster", str(poster), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["matrix"]["play"]["sixes"]["p_make"]["2-marks"]["p"] == 1
    assert sum(found["matrix"]["open"]["fives"]["counts"]) == 20
    assert found["advice"]["call"] | {"low": 0} == {
        "bid": "2-marks", "declaration": "sixes", "p": 1, "low": 0, "high": 1, "value": 2,
    }  # fmt: skip
    assert found["advice"]["bids"][0]["bid"] == "31"
    assert "What to bid with 6-0,6-1" in poster.read_text()
    code, out, _ = forge("bid", *words, "--score", "6-3")
    assert code == 0
    assert "Call: 31" not in out
    assert "Call: 30 with sixes, made in 100 %" in out


def test_the_matrix_of_a_hand_agrees_with_the_advice_on_its_lead() -> None:
    """The same worlds: the lead that `bid` names is the best one of `advise`, which cannot beat a leader who looks."""
    words = ["--hand", HAND, "--declaration", "ones"]
    priced = json.loads(forge("bid", *words, "--samples", "40", "--playouts", "0", "--json")[1])
    plays = json.loads(forge("advise", *words, "--worlds", "40", "--bid", "30", "--json")[1])["plays"]
    best = max(plays, key=lambda play: (play["p_make"], play["mean"]))
    assert priced["advice"]["lead"] == best["domino"]
    assert 0 < best["p_make"] <= priced["matrix"]["open"]["ones"]["p_make"]["30"]["p"]


def test_advise_values_the_plays_of_a_hand() -> None:
    words = ["--declaration", "sixes", "--hand", "6-6,6-5,6-4,6-2,6-1,6-0,2-2", "--worlds", "5"]
    code, out, _ = forge("advise", *words, "--bid", "34", "--json")
    advice = json.loads(out)
    assert code == 0
    assert (advice["worlds"], advice["used"], advice["exact"]) == (399_072_960, 5, False)
    assert {play["domino"] for play in advice["plays"]} == {"6-6", "6-5", "6-4", "6-2", "6-1", "6-0", "2-2"}
    code, table, _ = forge("advise", *words)
    assert code == 0
    assert "399,072,960 possible worlds, 5 of them valued" in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("solve --seed -1", "Got seed -1"),
        ("solve --declaration elevens", "Got the declaration 'elevens'"),
        ("solve --hand 6-6,6-5", "Got a hand of 2 dominoes"),
        ("solve --hand 6-6,6-6,6-4,6-2,6-1,6-0,2-2", "6-6 more than once"),
        ("solve --seed x", "Invalid value for '--seed'"),
        ("solve --nonsense", "No such option"),
        ("nonsense", "No such command"),
        ("advise --declaration sixes --hand 6-6 --plays 6-0,6-0", "6-0"),
        ("advise --declaration sixes --hand 6-6,6-5,6-4,6-2,6-1,6-0,2-2 --worlds few", "n_worlds = 'few'"),
        ("generate --count 0", "Got count = 0. Expected greater than or equal to 1."),
        ("generate --start-seed -1", "Got start = -1"),
        ("tokenize --input no/such/folder", "does not exist"),
        ("train", "Got no --data"),
        ("train --fast-dev-run --epochs 0", "Got epochs = 0"),
        ("train --fast-dev-run --set epochz=3", "Got epochz = 3. Expected the name of a setting."),
        ("train --fast-dev-run --set epochs", "KEY=VALUE"),
        ("train --fast-dev-run --devices 0", "Got devices"),
        ("train --fast-dev-run --devices few", "Got devices"),
        ("train --fast-dev-run --strategy ddp_spawn", "Got strategy = 'ddp_spawn'. Expected 'auto' or 'ddp'."),
        ("train --fast-dev-run --initial no/such/model", "names no model"),
        ("evaluate --checkpoint no/such/model", "names no model"),
        ("pipeline --preset dmeo", "Expected one of demo, local"),
        ("pipeline --set train.epochs=none", "Got train.epochs = 'none'"),
        ("bid", "Give --hand"),
        ("bid --hand 6-4,5-5,4-2,3-1,2-0,1-1", "Got a hand of 6 dominoes"),
        (f"bid --hand {HAND} --bids 29", "Got the bid '29'"),
        (f"bid --hand {HAND} --bids 43", "Got the bid '43'"),
        (f"bid --hand {HAND} --bids 84", "Got the bid '84'"),
        (f"bid --hand {HAND} --bids 31,30", "Expected a bid from 32 on"),
        (f"bid --hand {HAND} --score 7-1", "Got the score 7-1"),
        (f"bid --hand {HAND} --score 3", "Got the score '3'"),
        (f"bid --hand {HAND} --declaration elevens", "Got the declaration 'elevens'"),
        (f"bid --hand {HAND} --samples 0", "Got samples = 0"),
        (f"bid --hand {HAND} --dealer 4", "Got dealer 4"),
        (f"bid --hand {HAND} --seat-model champion", "Got the player 'champion'"),
        (f"bid --hand {HAND} --seat-model cheat", "which sees all hands"),
        (f"bid --hand {HAND} --poster hand.gif", "Got a poster 'hand.gif'"),
        (f"bid --hand {HAND} --play-for 84", "Got play_for = 84"),
        (f"bid --hand {HAND} --bidder-offs 2", "Got an assumption about bidders"),
        (f"bid why --hand {HAND} --declaration sixes --below 43", "Got play_for = 43"),
        (
            f"bid why --hand {HAND} --declaration sixes --playouts 0",
            "--playouts': Input should be greater than or equal to 1",
        ),
        ("bid why --hand 6-4,5-5 --declaration sixes", "Got a hand of 2 dominoes"),
        ("bid generate --samples 0", "Got samples = 0"),
        ("bid generate --seat-model nobody", "Got the player 'nobody'"),
        ("eq generate --n-worlds 1", "Got n_worlds = 1"),
        ("eq generate --objective make", "without a bid"),
        ("eq generate --set rollout_exact=3", "rollout_exact 3 without a model"),
        ("eq generate --oracle rollout:exact=9", "less than or equal to 6"),
        ("eq generate --oracle rollout --posterior", "rollouts with posterior weights"),
        ("pipeline --set expected_q.rollout_exact=3", "rollout_exact 3 in a pipeline"),
    ],
)
def test_bad_usage_is_told_before_anything_starts(words: str, message: str) -> None:
    code, out, err = forge(*words.split())
    assert code == 2
    assert message in err
    assert "Traceback" not in err + out


@pytest.mark.usefixtures("home")
def test_a_run_from_shards_to_games_and_what_it_refuses(tmp_path: Path) -> None:
    shards, tokens, model = tmp_path / "shards", tmp_path / "tokens", tmp_path / "model"
    for start in ("0", "900", "950"):
        options = ["--start-seed", start, "--count", "1", "--states-per-deal", "100", "--output", str(shards)]
        assert forge("generate", *options)[0] == 0
    assert (shards / "val" / "seed_00000900_decl_0.parquet").is_file()
    assert forge("shard", "show", str(shards / "val" / "seed_00000900_decl_0.parquet"))[0] == 0

    assert forge("tokenize", "--input", str(shards), "--output", str(tokens))[0] == 0
    assert (tokens / "train" / "tokens.npy").is_file()
    for kind in ("qvalue", "policy"):
        options = ["--data", str(tokens), "--kind", kind, "--output", str(model / kind)]
        assert forge("train", "--fast-dev-run", *options)[0] == 0
    options = ["--data", str(tokens), "--initial", str(model / "qvalue"), "--output", str(model / "further")]
    assert forge("train", "--fast-dev-run", *options)[0] == 0
    assert json.loads((model / "further" / "config.json").read_text())["initial_digest"]
    code, out, _ = forge("evaluate", "--checkpoint", str(model / "qvalue"), "--data", str(tokens), "--parts")
    assert code == 0
    assert all(words in out for words in ("q_gap", "highest rank", "random play", "slot 6"))
    code, out, _ = forge("export", "--checkpoint", str(model / "qvalue"), "--output", str(tmp_path / "onnx"), "--json")
    assert code == 0
    assert set(json.loads(out)["report"]["files"]) == {"fp32", "fp16", "int8"}

    games = ["eq", "generate", "--count", "1", "--n-worlds", "2", "--output"]
    assert forge(*games, str(tmp_path / "games"), "--oracle", str(tmp_path / "onnx" / "model.onnx"))[0] == 0
    game = tmp_path / "games" / "train" / "seed_00000000.pt"
    assert forge("eq", "view", str(game))[0] == 0
    assert forge("eq", "collate", str(tmp_path / "games"), "--output", str(tmp_path / "games.parquet"))[0] == 0

    code, _, err = forge(*games, str(tmp_path / "others"), "--oracle", str(model / "policy"))
    assert code == 2
    assert "a policy model" in err
    code, _, err = forge("bid", "--hand", HAND, "--seat-model", f"model:{model / 'policy'}")
    assert code == 2
    assert "a policy model (logits)" in err


@pytest.mark.usefixtures("home")
def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    shard = tmp_path / "shards" / "train" / "seed_00000000_decl_0.parquet"
    shard.parent.mkdir(parents=True)
    shard.write_bytes(b"PAR1 and then nothing")
    (tmp_path / "model.ckpt").write_bytes(b"no checkpoint")
    (tmp_path / "empty").mkdir()
    output = tmp_path / "output"
    for words, code in (
        (["tokenize", "--input", str(tmp_path / "shards"), "--output", str(output)], 1),
        (["tokenize", "--input", str(tmp_path / "empty"), "--output", str(output)], 2),
        (["evaluate", "--checkpoint", str(tmp_path / "model.ckpt"), "--data", str(tmp_path / "empty")], 1),
        (["export", "--checkpoint", str(tmp_path / "empty"), "--data", str(tmp_path / "empty")], 1),
        (["train", "--data", str(tmp_path / "empty"), "--output", str(output)], 2),
    ):
        found, out, err = forge(*words)
        assert found == code, err
        assert err.count("Got ") == 1
        assert "Traceback" not in err + out
        assert not output.exists()


def test_server_that_does_not_answer_is_one_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    code, _, err = forge("generate", "--count", "1")
    assert code == 1
    assert "Got no answer from the Prefect server at http://127.0.0.1:9/api" in err
    assert not (home / "store").exists()


def test_help_imports_nothing_heavy() -> None:
    heavy = {"prefect", "torch", "numba", "numpy", "polars", "pydantic", "mlflow", "rich"}
    script = f"import sys, flows.cli; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_a_place_on_modal_has_one_device() -> None:
    from flows.context import executor_for

    with pytest.raises(InputError, match="Leave out --devices"):
        executor_for(Place.parse("modal:T4"), hardware=Hardware(devices=2))
    assert executor_for(hardware=Hardware(devices="auto")).context.hardware.devices == "auto"
    assert executor_for().context.hardware == ONE_DEVICE


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_two_devices_train_in_a_flow_and_make_the_object_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forge_core.learn import ddp

    start, helpers = ddp._start, []
    monkeypatch.setattr(ddp, "_start", lambda *call: helpers.append(start(*call)) or helpers[-1])
    options = ["--fast-dev-run", "--set", "ema_decay=0.5"]
    code, _, err = forge("train", *options, "--devices", "2", "--output", str(tmp_path / "two"))
    assert code == 0, err
    assert json.loads((tmp_path / "two" / "metrics.json").read_text())["model"]["overall"]["samples"] > 0
    code, _, err = forge("train", *options, "--output", str(tmp_path / "one"))
    assert code == 0, err
    names = ("model.safetensors", "metrics.json")
    assert all((tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes() for name in names)
    assert len(helpers) == 1
