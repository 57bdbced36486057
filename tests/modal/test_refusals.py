"""What cannot be done on Modal is said in a sentence, within seconds, before anything starts."""

import asyncio
import io
import socket
import sys
import time
from pathlib import Path

import pytest
from control_plane import ControlPlane
from rich.console import Console

from configs.modal import GPUS, Job, Place
from deployments import work
from deployments.modal_app import app
from flows.cli.elsewhere import options
from flows.modal_checks import modal_checks
from forge_core.artifacts.key import make_key
from forge_core.errors import BudgetReached, InputError, RemoteError
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.elsewhere import Elsewhere, work_on
from tasks.remote import connection, journal
from tasks.remote.cost import Estimate
from tasks.remote.deployed import sign
from tasks.remote.prices import PUBLISHED
from tasks.remote.runs import agree, choose_gpu, here
from tasks.remote.shards import make_shards

REQUESTS = [DealRequest(0, None, 0)]
SETTINGS = ShardSettings(states_per_deal=10)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))


def test_a_server_that_is_not_there_is_told_within_five_seconds(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(RemoteError, match=r"no connection to Modal at http://127.0.0.1:9 \(Connection refused\)"):
        make_shards(REQUESTS, SETTINGS)
    assert time.monotonic() - start < 5


def test_a_server_that_does_not_answer_is_told_within_five_seconds(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:  # its queue is full: the kernel answers no more connections
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        monkeypatch.setenv("MODAL_SERVER_URL", f"http://127.0.0.1:{port}")
        start = time.monotonic()
        with pytest.raises(RemoteError, match="no connection to Modal"):
            connection.check_reachable()
        assert time.monotonic() - start < 5
        for one in waiting:
            one.close()


def test_no_token(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODAL_TOKEN_SECRET")
    with pytest.raises(RemoteError, match=r"Got no Modal token.*modal token new"):
        make_shards(REQUESTS, SETTINGS)


def test_not_deployed(control_plane: ControlPlane) -> None:
    with pytest.raises(RemoteError, match=r"no Volume 'crystal-forge'.*`forge modal deploy`"):
        make_shards(REQUESTS, SETTINGS)


def test_nobody_to_ask(control_plane: ControlPlane) -> None:
    app.deploy()
    with work_on(Place()), pytest.raises(InputError, match=r"nobody to ask.*--yes"):
        make_shards(REQUESTS, SETTINGS)
    assert not list(journal.runs())
    assert not [call for call in control_plane.calls if call.name == "FunctionMap"]


def test_a_budget_that_other_stages_of_the_run_have_used_up(control_plane: ControlPlane) -> None:
    app.deploy()
    with work_on(Place(budget=1.0, agreed=True)):
        here().spent = 1.2
        with pytest.raises(BudgetReached, match=r"Got an estimate of \$1\.20 before this stage"):
            make_shards(REQUESTS, SETTINGS)
    assert not list(journal.runs())


@pytest.mark.parametrize("text", ["modal:H900", "modal:t4,nvidia", "moon", "modal-T4"])
def test_a_place_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(InputError, match=r"one of T4, L4|modal or modal:GPU"):
        Place.parse(text)


def test_every_limit_can_be_typed() -> None:
    typed = options(on="modal:T4", budget=2.0, max_containers=3, time_limit=60, retries=0, yes=True)
    assert typed == Place(gpus=("T4",), budget=2.0, max_containers=3, time_limit=60, retries=0, agreed=True)
    with pytest.raises(InputError, match="--retries or --yes without --on"):
        options(on=None, budget=None, max_containers=None, time_limit=None, retries=0, yes=False)


def test_every_gpu_of_the_list_can_be_typed_and_has_a_price() -> None:
    for gpu in GPUS:
        assert Place.parse(f"modal:{gpu.lower()}").gpus == (gpu,)
        assert PUBLISHED.second("generate", gpu) > PUBLISHED.second("generate", None)


def test_a_gpu_that_the_machine_does_not_have_is_refused_not_replaced(control_plane: ControlPlane) -> None:
    app.deploy()
    with work_on(Place(gpus=("T4",), agreed=True)), pytest.raises(InputError, match="On Modal: Got device cuda"):
        make_shards(REQUESTS, SETTINGS)
    bound = [call.request for call in control_plane.calls if call.name == "FunctionBindParams"]
    assert bound[0].function_options.resources.gpu_config.gpu_type == "T4"


def test_blocks_fit_into_the_smallest_of_the_gpus(
    control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    app.deploy()
    deals = [DealRequest(seed, None, 0) for seed in range(1000)]
    with (
        caplog.at_level("INFO"),
        work_on(Place(gpus=("H100", "T4"), agreed=True)),
        pytest.raises(InputError, match="On Modal"),
    ):
        make_shards(deals, SETTINGS)
    assert "1,000 deals in 4 inputs on modal:H100,T4" in caplog.text


def test_gpus_are_tried_in_order(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    app.deploy()
    monkeypatch.setattr("tasks.remote.runs.PATIENCE", 0.5)
    control_plane.faults.delay = {0: 60, 1: 60}
    place = Place(gpus=("H100", "L4"), budget=5.0)
    with work_on(place):
        with pytest.raises(RemoteError, match="none of H100, L4 within"):
            asyncio.run(choose_gpu("generate", place, PUBLISHED))
        assert here().spent == pytest.approx(sum(run.spent for run in journal.runs()))
    assert {run.start["gpu"] for run in journal.runs()} == {"H100", "L4"}
    assert all(run.spent > 0 for run in journal.runs())
    assert not control_plane.wait(lambda running: not running)


def test_other_code_than_was_deployed(tmp_path: Path) -> None:
    key = make_key("generate", code="0" * 64, settings={"shards": SETTINGS})
    job = Job(key=key, code=("forge_core.shards.generate",), block="b", work={"deals": [[0, None, 0]]}, gpu=False)
    with pytest.raises(RemoteError, match=r"Got code .* on Modal.*forge modal deploy"):
        work.run(job, work.Volume(tmp_path, lambda: None))


class Typed(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("budget", "items", "asked"),
    [
        pytest.param(None, None, 2, id="every stage, as nobody knows the price of the next one"),
        pytest.param(None, 10_000, 1, id="the price of all slices was told"),
        pytest.param(5.0, None, 1, id="a budget is for all stages"),
    ],
)
def test_a_command_is_agreed_to_once_where_its_price_is_known(
    budget: float | None, items: int | None, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Estimate(at_most=4.2, expected=0.37, hours=0.5, source="somewhere")
    with pytest.raises(InputError, match="nobody to ask"):
        agree("10 deals", expected, Elsewhere(Place(), agreed=False))
    said = io.StringIO()
    monkeypatch.setattr("tasks.remote.runs.console", lambda: Console(file=said, force_terminal=True, color_system=None))
    monkeypatch.setattr(sys, "stdin", Typed("y\ny\n"))
    away = Elsewhere(Place(budget=budget), items)
    agree("10 deals", expected, away)
    agree("10 deals", expected, away)
    assert said.getvalue().count("? [y/N] ") == asked
    assert ("up to $5.00 in all" in said.getvalue()) == (budget is not None)


def test_the_doctor_says_what_is_missing_on_modal(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    def faults() -> dict[str, str]:
        return {check.name: check.remedy for check in modal_checks() if not check.sound}

    deploy = "run `forge modal deploy`"
    assert faults() == dict.fromkeys(["modal app", "modal images", "modal volume"], deploy)
    app.deploy()
    assert faults() == {"modal code": deploy}  # deployed, but by other means than the command that says with what
    asyncio.run(sign())
    assert faults() == {}
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-other")
    monkeypatch.setattr("modal.client._Client._client_from_env", None)
    assert "a token that Modal does not take" in faults()["modal server"]
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    assert "Check the network" in faults()["modal server"]
    monkeypatch.delenv("MODAL_TOKEN_ID")
    assert faults() == {}
