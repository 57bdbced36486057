"""The local server's life, runs that are killed, and the deployments, with real processes."""

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forge_core.artifacts.key import Entry
from forge_core.artifacts.listing import list_folder
from tests.home import Home
from tests.outcomes import outcome

SMALL = [
    *("--set", "deals=[{start: 0, count: 6}, {start: 900, count: 1}, {start: 950, count: 1}]"),
    *("--set", "shards.states_per_deal=200", "--set", "train.epochs=1", "--set", "train.samples_per_epoch=1024"),
    *("--set", "games.count=1", "--set", "match_deals.count=2", "--set", "expected_q.n_worlds=2"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("home"))
    yield home
    code, out, _ = home.forge("down")
    assert code == 0
    assert "Prefect  stopped" in out


def artifacts(home: Home) -> list[tuple[str, str]]:
    """Stage and outcome of everything in the store."""
    store = home.folder / "store"
    entries = [Entry.model_validate_json(path.read_bytes()) for path in (store / "keys").glob("*/*.json")]
    return sorted((entry.key.stage, outcome(store, entry)) for entry in entries)


@pytest.mark.slow
def test_pipeline_starts_a_server_once_and_its_second_run_is_cached(home: Home) -> None:
    code, out, err = home.forge("pipeline", "--preset", "demo", *SMALL)
    assert code == 0, err
    assert "Starting the Prefect server" in err
    made = re.search(r"^(\d+) artifacts were made", out, re.MULTILINE)
    assert made is not None, out
    assert "forge ui mlflow --run 1/" in out
    assert "Traceback" not in err

    code, out, err = home.forge("pipeline", "--preset", "demo", *SMALL)
    assert code == 0
    assert "Starting" not in err
    assert f"All {made[1]} artifacts were in the store" in out
    code, out, _ = home.forge("status")
    assert "http://127.0.0.1:" in out
    assert home.forge("doctor")[0] == 0


@pytest.mark.slow
def test_killed_run_leaves_nothing_spoiled_and_the_next_one_ends_the_same(home: Home, tmp_path: Path) -> None:
    undisturbed = artifacts(home)
    served = {"PREFECT_API_URL": f"{home.address}/api", "PREFECT_API_AUTH_STRING": home.credential}
    other = Home(tmp_path / "other", **served)
    for seconds in (4, 7, 10):
        process = other.start("pipeline", "--preset", "demo", *SMALL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in (other.folder / "store").glob("objects/*/*.json"):
            assert list_folder(path.with_suffix("")).digest == path.stem
    code, _, err = other.forge("pipeline", "--preset", "demo", *SMALL)
    assert code == 0, err
    assert artifacts(other) == undisturbed
    assert not list((other.folder / "store" / "building").iterdir())


def test_interrupted_run_says_how_to_go_on(home: Home) -> None:
    process = home.start("pipeline", "--preset", "demo", *SMALL, "--set", "train.seed=1", "--set", "train.epochs=5000")
    assert process.stderr is not None
    while "epoch 1 of 5,000" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in err
    assert "Traceback" not in err
    (latest,) = home.api("/flow_runs/filter", sort="START_TIME_DESC", limit=1)
    assert latest["state_type"] == "CRASHED"
