"""A run of many inputs, and everything that may end it early."""

import asyncio
from pathlib import Path
from typing import Any

import modal
import pytest
from control_plane import ControlPlane
from dispatch_app import app

from configs.modal import Place
from forge_core.errors import BudgetReached, InputError, RemoteError
from tasks.remote import journal
from tasks.remote.control import stop_runs
from tasks.remote.dispatch import Answer, Dispatch, Input
from tasks.remote.journal import Journal
from tasks.remote.meter import Meter


@pytest.fixture
def deployed(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    app.deploy()
    return control_plane


def inputs(n: int, **job: Any) -> list[Input]:
    return [Input(f"b{number}", {"block": f"b{number}", **job}) for number in range(n)]


def dispatch(asked: list[Input], *, rate: float = 0.0, **place: Any) -> dict[str, Answer]:
    """The answers by block."""
    where = Place(**{"max_containers": 2, **place})
    answers: dict[str, Answer] = {}

    def take(one: Input, answer: Answer) -> None:
        assert one.block not in answers
        answers[one.block] = answer

    async def run() -> None:
        function = modal.Function.from_name("dispatch", "work")
        meter = Meter(rate, where.max_containers, where.budget)
        await Dispatch(function, Journal.begin("test", gpu=None), where, meter, take).run(asked)

    asyncio.run(run())
    return answers


def the_run() -> journal.Run:
    (run,) = journal.runs()
    return run


def test_two_hundred_inputs_with_failures_and_dying_containers(deployed: ControlPlane) -> None:
    deployed.faults.fail = {3: 1, 50: 2, 120: 1}
    deployed.faults.die = {7: 1}
    answers = dispatch(inputs(200))
    assert set(answers) == {f"b{number}" for number in range(200)}
    run = the_run()
    assert (run.end, len(run.done), run.open, run.lost) == ("finished", 200, {}, set())
    assert run.failed >= 3
    deployed.wait(lambda running: not running, 10)


def test_an_input_that_goes_on_failing_is_told_when_the_others_are_done(deployed: ControlPlane) -> None:
    asked = inputs(6)
    asked[2].job["raise"] = "no luck"
    with pytest.raises(RemoteError, match=r"1 inputs that failed 2 times \(the first, b2: ValueError: no luck\)"):
        dispatch(asked, retries=1)
    assert len(the_run().done) == 5


def test_when_everything_fails_the_rest_is_not_tried(deployed: ControlPlane) -> None:
    with pytest.raises(RemoteError, match="no luck"):
        dispatch(inputs(50, **{"raise": "no luck"}), retries=0)
    assert the_run().failed < 10
    deployed.wait(lambda running: not running, 10)


def test_an_error_of_ours_comes_back_as_itself_and_ends_the_run(deployed: ControlPlane) -> None:
    with pytest.raises(InputError, match="On Modal: it said so"):
        dispatch([*inputs(1, error="InputError"), *inputs(20, sleep=30)], max_containers=1)
    assert the_run().open == {}
    assert not deployed.wait(lambda running: not running)


def asked_for(plane: ControlPlane, name: str) -> int:
    return len([call for call in plane.calls if call.name == name])


def test_a_lost_connection_is_not_taken_for_a_failed_input(
    deployed: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.dispatch.PAUSES", (0.1,) * 5)
    deployed.faults.broken = {"FunctionGetOutputs": 9}  # more than the client itself tries again
    assert set(dispatch(inputs(1), retries=0)) == {"b0"}
    assert asked_for(deployed, "FunctionMap") == 1
    assert (the_run().end, the_run().failed) == ("finished", 0)


def test_a_call_that_cannot_be_heard_of_is_cancelled_before_another_is_made(
    deployed: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.dispatch.PAUSES", (0.1,))
    deployed.faults.broken = {"FunctionGetOutputs": 10**6}
    with pytest.raises(RemoteError, match="1 inputs that failed 2 times"):
        dispatch(inputs(1, sleep=60), retries=1)
    assert asked_for(deployed, "FunctionCallCancel") == 2
    assert the_run().open == {}
    assert not deployed.wait(lambda running: not running)


def test_a_call_that_cannot_be_cancelled_stays_open_in_the_journal(
    deployed: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.dispatch.PAUSES", (0.1,))
    deployed.faults.broken = {"FunctionGetOutputs": 10**6, "FunctionCallCancel": 10**6}
    with pytest.raises(RemoteError, match=r"the input b0, which may go on .*forge modal stop"):
        dispatch(inputs(1, sleep=60), retries=5)
    assert asked_for(deployed, "FunctionMap") == 1
    assert list(the_run().open.values()) == ["b0"]
    deployed.faults.broken.clear()
    assert asyncio.run(stop_runs([the_run()], why="asked")) == {}
    assert not deployed.wait(lambda running: not running)


def test_a_program_that_ends_in_its_container_is_a_failed_attempt(deployed: ControlPlane) -> None:
    with pytest.raises(RemoteError, match=r"1 inputs that failed 2 times \(the first, b0: SystemExit: 1\)"):
        dispatch(inputs(1, exit=1), retries=1)
    assert set(dispatch(inputs(2))) == {"b0", "b1"}  # Modal's client has survived it


def test_a_result_of_five_megabytes(deployed: ControlPlane) -> None:
    assert len(dispatch(inputs(1, bytes=5_000_000))["b0"]["text"]) == 5_000_000


def test_at_its_budget_a_run_stops_and_cancels_what_is_left(deployed: ControlPlane) -> None:
    with pytest.raises(BudgetReached, match=r"less than the \$3\.00 that the budget leaves"):
        dispatch(inputs(20, sleep=30), rate=0.1, budget=3.0)
    run = the_run()
    assert run.spent >= 3.0
    assert run.open == {}
    assert not deployed.wait(lambda running: not running)
