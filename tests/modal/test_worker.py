"""The Prefect worker of type `modal`: what it sends along, and its flow runs' whole life with a real server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml
from control_plane import ControlPlane
from prefect_life import Life

from configs.modal import GPUS
from deployments.sandboxes import ModalSandboxes, is_loopback
from forge_core.errors import InputError

if TYPE_CHECKING:  # tests/flows sets Prefect up before it is imported
    from prefect.client.schemas.objects import FlowRun

    from deployments.worker import ModalJob

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def life(shared_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with Life(tmp_path_factory.mktemp("life"), shared_plane) as life:
        yield life
    shared_plane.reset()


def flow_run() -> "FlowRun":
    from prefect.client.schemas.objects import FlowRun

    return FlowRun(id=uuid4(), flow_id=uuid4(), name="run")


def job(**fields: object) -> "ModalJob":
    """A job as the worker prepares it."""
    from deployments.worker import ModalJob

    made = ModalJob.model_validate(fields)
    made.labels = {"prefect.io/work-pool-id": str(uuid4())}
    made.prepare_for_flow_run(flow_run())
    return made


def test_prefect_knows_the_worker_and_its_form() -> None:
    from prefect.workers.base import BaseWorker

    from deployments.worker import ModalWorker

    assert BaseWorker.get_worker_class_from_type("modal") is ModalWorker
    fields = ModalWorker.get_default_base_job_template()["variables"]["properties"]
    assert {"image", "gpu", "cpu", "memory", "timeout", "env", "volumes", "secrets"} <= fields.keys()
    assert fields["gpu"]["anyOf"][0]["enum"] == list(GPUS)
    assert all("description" in field for field in fields.values())


def test_what_the_worker_has_for_itself_stays_with_it(tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_HOME, temporary_settings

    here: dict[Any, Any] = {
        PREFECT_API_URL: "http://here/api",
        PREFECT_API_AUTH_STRING: "me:hush",
        PREFECT_HOME: tmp_path,
    }
    with temporary_settings(here):
        request = job(env={"FORGE_HOME": "/forge"}, api_url="https://there/api").request()
    assert request.env["PREFECT_API_URL"] == "https://there/api"
    assert request.env["FORGE_HOME"] == "/forge"
    assert request.secret == {"PREFECT_API_AUTH_STRING": "me:hush"}
    assert not {"PREFECT_HOME", "PREFECT_API_AUTH_STRING"} & request.env.keys()
    assert str(tmp_path) not in str(request)
    assert "hush" not in repr(request)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:4200/api", True),
        ("http://localhost:4200/api", True),
        ("http://[::1]:4200/api", True),
        ("http://0.0.0.0:4200/api", True),
        ("https://prefect.example.org/api", False),
        ("http://10.0.0.7:4200/api", False),
    ],
)
def test_addresses_of_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_an_api_that_modal_cannot_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.worker import ModalWorker

    monkeypatch.delenv("MODAL_SERVER_URL", raising=False)
    assert not ModalSandboxes().reaches("http://127.0.0.1:4200/api")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}):
        worker = ModalWorker(work_pool_name="gpu")
        run = worker.run(flow_run(), job())
        with pytest.raises(InputError, match="an address that Modal's machines reach"):
            asyncio.run(run)


class LostConnection(ModalSandboxes):
    """Answers nothing the first two times that it is asked anything."""

    def __init__(self) -> None:
        self.lost = {"wait": 2, "terminate": 2}

    def _ask(self, what: str) -> None:
        self.lost[what] -= 1
        if self.lost[what] >= 0:
            raise ConnectionError("the network is down")

    async def wait(self, sandbox_id: str) -> int:
        self._ask("wait")
        return 137

    async def terminate(self, sandbox_id: str) -> None:
        self._ask("terminate")


def test_a_lost_connection_does_not_make_the_worker_forget_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments import worker as module

    monkeypatch.setattr(module, "_POLL", 0.01)
    worker = module.ModalWorker(work_pool_name="gpu")
    sandboxes = LostConnection()
    monkeypatch.setattr(module.ModalWorker, "sandboxes", sandboxes)
    assert asyncio.run(worker._end("sb-1")) == 137
    asyncio.run(worker._terminate("sb-1"))
    assert sandboxes.lost == {"wait": -1, "terminate": -1}


@pytest.mark.slow
def test_runs_complete_and_are_cancelled(life: Life) -> None:
    endless, short = life.run("wait"), life.run("complete", text="hello")
    life.until(endless, "Running")
    life.cancel(endless)
    life.until(short, "Completed")
    life.until(endless, "Cancelled", seconds=60)
    life.plane.wait(lambda running: not running.containers)
    assert (life.plane.volume_root / "crystal-forge-flow-runs" / "note.txt").read_text() == "hello"
    assert "says hello" in life.log()


@pytest.mark.slow
def test_flow_of_this_project_runs_on_what_its_image_holds(life: Life) -> None:
    parameters = {"deals": [{"start": 0, "count": 1}], "shards": {"states_per_deal": 100}}
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    found = {"entrypoint": declared["deployments"][0]["entrypoint"], "pull_steps": declared["pull"]}
    life.until(life.deploy_and_run("generate", found, {}, parameters), "Completed", seconds=240)
    life.plane.wait(lambda running: not running.containers)  # what it wrote is kept when the Sandbox has ended
    store = life.plane.volume_root / "crystal-forge-flow-runs" / "store"
    keys = [json.loads(path.read_text())["key"]["stage"] for path in store.glob("keys/*/*.json")]
    assert keys == ["generate"]


@pytest.mark.slow
def test_run_that_has_not_begun_is_cancelled_with_its_sandbox(life: Life) -> None:
    run = life.run("complete", variables={"command": "sleep 600"})
    life.until(run, "Pending", "Submitting")
    life.plane.wait(lambda running: bool(running.containers))
    life.cancel(run)
    life.until(run, "Cancelled", seconds=30)
    life.plane.wait(lambda running: not running.containers)


@pytest.mark.slow
def test_flow_whose_process_is_killed_has_crashed(life: Life) -> None:
    assert "SIGKILL" in life.until(life.run("die"), "Crashed")


@pytest.mark.slow
def test_sandbox_that_cannot_be_made_or_dies_is_a_crash_that_says_why(life: Life) -> None:
    refused = life.run("complete", variables={"secrets": ["no-such-secret"]})
    missing = life.run("complete", variables={"command": "no-such-program"})
    late = life.run("wait", variables={"timeout": 10, "command": "sleep 60", "gpu": "T4"})
    assert "no-such-secret" in life.until(refused, "Crashed")
    assert "not in its image" in life.until(missing, "Crashed")
    assert "time was up" in life.until(late, "Crashed")


@pytest.mark.slow
def test_killed_worker_is_replaced_and_its_runs_go_on(life: Life) -> None:
    run = life.run("wait")
    life.until(run, "Running")
    (sandbox,) = life.plane.running().containers
    life.kill_worker()
    life.start_worker()
    life.until_logged("looking after it, too")
    assert life.plane.running().containers == [sandbox]
    life.plane.kill(sandbox)
    assert "killed" in life.until(run, "Crashed")
