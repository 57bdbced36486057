"""`forge up` and the deployments, with a real server, workers and the processes of their runs."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.home import PATIENCE, Home, wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FEW = {"keep": "samples", "states_per_deal": 20}


def declared() -> set[str]:
    """The deployments of prefect.yaml as "entrypoint name"."""
    found = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    return {f"{each['entrypoint']} {each['name']}" for each in found}


def _automations(home: Home) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in home.api("/automations/filter")}


def ended(home: Home, run: str) -> dict[str, Any] | None:
    state = home.state(run)
    return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def test_one_command_makes_pools_automations_and_deployments_and_may_be_repeated(home: Home) -> None:
    def deployed() -> list[dict[str, Any]]:
        return home.api("/deployments/filter")

    assert {f"{each['entrypoint']} {each['name']}" for each in deployed()} == declared()
    assert {each["work_pool_name"] for each in deployed() if each["name"] == "on-gpu"} == {"gpu"}
    (nightly,) = [each for each in deployed() if "grow_shards" in each["entrypoint"]]
    (schedule,) = nightly["schedules"]
    assert schedule["schedule"] | {"cron": "0 2 * * *", "timezone": "Etc/UTC"} == schedule["schedule"]
    assert schedule["active"]
    for flow in ("generate-oracle", "generate-eq", "pipeline"):
        wait_for(lambda flow=flow: [run for run in home.runs(flow) if run["auto_scheduled"]], f"{flow} is scheduled")
    home.api(f"/deployments/{nightly['id']}/schedules/{schedule['id']}", "PATCH", active=False)
    automations = _automations(home)
    assert set(automations) == {"crashed-runs", "lost-runs"}

    home.must("deploy")
    prefect = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    environment = {
        **home.environment,
        "PREFECT_API_URL": f"{home.address}/api",
        "PREFECT_API_AUTH_STRING": home.credential,
    }
    subprocess.run(
        prefect, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=PATIENCE
    )
    assert {f"{each['entrypoint']} {each['name']}" for each in deployed()} == declared()
    (again,) = home.api(f"/deployments/{nightly['id']}", "GET")["schedules"]
    assert not again["active"], "what a person has switched off stays off"
    assert _automations(home) == automations, "a replaced one would forget the runs that it watches"


def test_status_shows_workers_and_pools(home: Home) -> None:
    out = home.must("status")
    assert re.search(r"worker cpu\s+healthy\s+http://127.0.0.1:\d+", out)
    assert re.search(r"gpu\s+process\s+\S+ gpu", out)


def test_whoever_may_start_a_run_chooses_neither_command_nor_environment_nor_folder(home: Home, tmp_path: Path) -> None:
    """The server refuses what the pool's template does not know; where it does not look, the worker leaves it out."""
    made, elsewhere = tmp_path / "made", tmp_path / "elsewhere"
    asked = {"command": f"touch {made}", "env": {"FORGE_HOME": str(elsewhere)}, "working_dir": str(tmp_path)}
    deployment = home.api("/deployments/name/fill-shards/on-demand")
    place, state = f"/deployments/{deployment['id']}", {"type": "SCHEDULED"}
    parameters = {"folder": "data/locked", "shards": FEW, "deals": {"start": 0, "count": 1}}

    def refused(**more: Any) -> int:
        with pytest.raises(urllib.error.HTTPError) as error:
            home.api(f"{place}/create_flow_run", parameters=parameters, state=state, **more)
        error.value.close()
        return error.value.code

    assert [refused(job_variables={name: value}) for name, value in asked.items()] == [422, 422, 422]
    home.api(place, "PATCH", job_variables=asked)
    assert refused() == 422
    home.api(place, "PATCH", job_variables={})
    lone = {"flow_id": deployment["flow_id"], "work_pool_name": "cpu", "job_variables": asked}
    run = home.api("/flow_runs/", **lone, state=state)["id"]  # of no deployment: there is nothing to run
    wait_for(lambda: ended(home, run), "the run ends")
    home.api(f"/flow_runs/{run}", "DELETE")  # other tests count the runs of this flow
    assert not made.exists()
    assert not elsewhere.exists()
    assert not (home.folder / "data" / "locked").exists()


def test_who_has_no_credential_or_comes_from_another_page_starts_nothing(home: Home) -> None:
    deployment = home.api("/deployments/name/fill-shards/on-demand")
    url = f"{home.address}/api/deployments/{deployment['id']}/create_flow_run"
    ours = {"Authorization": f"Basic {b64encode(home.credential.encode()).decode()}"}
    before = len(home.runs("fill-shards"))
    for headers, code in (
        ({}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({**ours, "Origin": "http://evil.example"}, 403),
        ({**ours, "Host": "evil.example"}, 400),
    ):
        request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json", **headers})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == code
        refused.value.close()
    assert len(home.runs("fill-shards")) == before


def test_a_backfill_by_runs_on_a_pool_twice_at_once_starts_every_block_once(home: Home) -> None:
    seeds = {"make": "shards", "end": 6, "block": 2, "where": "cpu", "at_once": 3}
    runs = [home.run("backfill/seed-range", seeds=seeds, shards=FEW) for _ in range(2)]
    states = [wait_for(lambda run=run: ended(home, run), "the backfill ends") for run in runs]
    assert [state["type"] for state in states] == ["COMPLETED", "COMPLETED"]
    made = [int(state["message"].split()[0]) for state in states]
    assert sorted(made) == [0, 6], "the second one finds all that the first has made"
    blocks = home.runs("fill-shards")
    assert sorted(run["name"] for run in blocks) == ["shards 0-1", "shards 2-3", "shards 4-5"]
    assert len(list((home.folder / "data" / "shards").rglob("*.parquet"))) == 6

    (home.folder / "data" / "shards" / "train" / "seed_00000003_decl_3.parquet").unlink()
    out = home.must(
        *("backfill", "--end", "6", "--block", "2", "--where", "cpu", "--set", "states_per_deal=20", "--set"),
        "keep=samples",
    )
    assert re.search(r"made\s+│ 1 ", out)
    names = [run["name"] for run in home.runs("fill-shards")]
    assert len(names) == 4
    assert names.count("shards 2-3") == 2, "what ended long ago does not stand for a new run"


def test_cancelling_a_backfill_cancels_the_runs_of_its_blocks(home: Home) -> None:
    seeds = {"make": "shards", "start": 10_000, "end": 12_000, "block": 1000, "where": "cpu", "folder": "data/other"}
    run = home.run("backfill/seed-range", seeds=seeds, shards=FEW)

    def blocks() -> list[dict[str, Any]]:
        return [each for each in home.runs("fill-shards") if each["name"].startswith("shards 1")]

    wait_for(lambda: [each for each in blocks() if each["state_type"] == "RUNNING"], "a block is under way")
    home.api(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING"})
    assert wait_for(lambda: ended(home, run), "the backfill ends")["type"] == "CANCELLED"
    assert {wait_for(lambda each=each: ended(home, each["id"]), "a block ends")["type"] for each in blocks()} == {
        "CANCELLED"
    }


def test_a_run_that_is_killed_with_its_worker_is_shown_as_crashed(home: Home) -> None:
    automation = _automations(home)["crashed-runs"]
    assert automation["trigger"]["within"] >= 3 * 30, "three heartbeats"
    trigger = {**automation["trigger"], "within": 10}  # seconds, or this test would take minutes
    wanted = ("name", "description", "enabled", "actions", "actions_on_trigger", "actions_on_resolve", "tags")
    body = {name: automation[name] for name in wanted if name in automation}
    home.api(f"/automations/{automation['id']}", "PUT", **body, trigger=trigger)

    process = home.start("backfill", "--start", "20000", "--end", "30000", "--set", "states_per_deal=20")
    (run,) = wait_for(
        lambda: [each for each in home.runs("backfill") if each["state_type"] == "RUNNING"], "the run begins"
    )
    heartbeat = {"event": {"name": ["prefect.flow-run.heartbeat"]}}
    wait_for(
        lambda: [
            each
            for each in home.api("/events/filter", filter=heartbeat)["events"]
            if each["resource"]["prefect.resource.id"] == f"prefect.flow-run.{run['id']}"
        ],
        "its heartbeat is recorded",
    )
    process.kill()
    process.communicate()
    assert home.state(run["id"])["type"] == "RUNNING"
    state = wait_for(lambda: ended(home, run["id"]), "it is shown as crashed")
    assert state["type"] == "CRASHED"
    assert "What was finished is kept" in state["message"]
    home.api(f"/automations/{automation['id']}", "PUT", **body, trigger=automation["trigger"])


def test_down_ends_runs_workers_and_servers(home: Home) -> None:
    home.run("fill-shards/on-demand", folder="data/last", deals={"start": 40_000, "count": 5000}, shards=FEW)
    wait_for(lambda: list((home.folder / "data" / "last").rglob("*.parquet")), "the run makes something")
    out = home.must("down")
    assert "worker cpu stopped" in out
    assert "Prefect  stopped" in out
    assert not home.processes()


def _state_of_last(home: Home) -> str:
    (ended,) = [run for run in home.runs("fill-shards") if run["parameters"]["folder"] == "data/last"]
    return ended["state_type"]


def _long_ago(home: Home) -> None:
    """Make the server believe that it has not run for an hour."""
    with closing(sqlite3.connect(home.folder / "prefect" / "prefect.db")) as database, database:
        late = "strftime('%Y-%m-%d %H:%M:%f', end, '-1 hour')"
        assert database.execute(f"UPDATE automation_bucket SET end = {late}").rowcount


def test_up_starts_again_what_has_ended_and_ctrl_c_ends_it_all(home: Home) -> None:
    _long_ago(home)
    process = home.start("up", "--no-mlflow", "--pool", "cpu")
    record = home.folder / "workers" / "cpu" / "server.json"
    wait_for(record.exists, "the worker is started")
    first = int(re.findall(r'"pid": (\d+)', record.read_text())[0])
    wait_for(lambda: re.search(r"worker cpu\s+healthy", home.must("status")), "it is healthy")
    time.sleep(5)  # until `up` watches
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: f'"pid": {first},' not in record.read_text(), "the worker is started again")
    wait_for(lambda: _state_of_last(home) == "CRASHED", "what `forge down` has ended is shown as crashed")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "worker cpu has ended; it is started again" in err
    assert "Traceback" not in err
    assert not home.processes()
