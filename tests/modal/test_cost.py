"""What work costs, on paper, and the limits under which it cannot cost more than a budget."""

import io
import json
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from configs.modal import GPUS, Place
from forge_core.errors import BudgetReached, InputError
from tasks import generate, train
from tasks.registry import STAGES
from tasks.remote import cost
from tasks.remote.budget import HEARTBEAT_LIFE, Budget, Clock, limits
from tasks.remote.cost import IDLE, STARTUP_LIMIT, Estimate, estimate, table
from tasks.remote.executor import ModalExecutor
from tasks.remote.prices import PER_CORE, PER_GIB, PER_GPU, PUBLISHED
from tasks.stage import Context, Machine

RECORD = Path(__file__).parents[2] / "bench" / "results" / "dispatch.json"
MACHINE = Machine(cores=4, memory=4)


def test_a_second_of_a_container_is_its_gpu_its_cores_and_its_memory() -> None:
    machine = train.STAGE.machine
    assert machine is not None
    expected = PER_GPU["H100"] + machine.cores * PER_CORE + machine.memory * PER_GIB
    assert PUBLISHED.second(machine, "H100") == pytest.approx(expected)


def test_every_gpu_of_the_list_can_be_typed_and_has_a_price() -> None:
    for gpu in GPUS:
        assert Place.parse(f"modal:{gpu.lower()}").gpus == (gpu,)
        assert PUBLISHED.second(MACHINE, gpu) > PUBLISHED.second(MACHINE, None)


def test_modals_own_list_overrides_what_it_names_in_the_same_unit() -> None:
    prices = PUBLISHED.corrected({"GPU-T4": 0.0002, "gpu_h100": 0.0011 * 3600, "cpu": 0.00002, "something": 1.0})
    assert (prices.gpu["T4"], prices.gpu["H100"]) == (0.0002, PER_GPU["H100"])  # the second one is a price an hour
    assert (prices.core, prices.gib) == (0.00002, PER_GIB)
    assert prices.source != PUBLISHED.source
    assert PUBLISHED.corrected({"nothing known": 5.0}) is PUBLISHED


def test_ten_thousand_deals_on_processor_cores_cost_cents() -> None:
    found = estimate(generate.STAGE, None, Place(max_containers=10), PUBLISHED, items=10_000, inputs=40)
    work = 10_000 * cost.CORE_SECONDS["generate"][0] / MACHINE.cores
    assert found.expected == pytest.approx((work + 10 * (cost.START + IDLE)) * PUBLISHED.second(MACHINE, None))
    assert found.expected is not None
    assert found.expected < 0.5
    assert found.at_most > found.expected


def test_a_gpu_that_nobody_has_measured_has_no_expectation() -> None:
    assert estimate(train.STAGE, "L4", Place(), PUBLISHED, items=1, inputs=1).expected is None
    assert next(row for row in table(PUBLISHED) if row[0] == "L4")[2:] == ("not measured", "", "not measured", "")


def test_the_time_in_the_cost_model_is_the_one_that_was_measured() -> None:
    measured = json.loads(RECORD.read_text())["measures"]["core_seconds_a_deal"]
    assert abs(math.log(cost.CORE_SECONDS["generate"][0] / measured)) < math.log(1.5)


@given(
    left=st.floats(0.0001, 1000),
    rate=st.floats(1e-5, 2e-3),
    containers=st.integers(1, 1000),
    retries=st.integers(0, 10),
    inputs=st.integers(1, 10_000),
)
def test_no_limits_cost_more_than_is_left(left: float, rate: float, containers: int, retries: int, inputs: int) -> None:
    place = Place(max_containers=containers, retries=retries)
    try:
        chosen = limits(place, MACHINE, rate, left=left, inputs=inputs)
    except BudgetReached:
        assert left < rate * ((retries + 1) * 31 + IDLE + HEARTBEAT_LIFE)
        return
    assert 1 <= chosen.containers <= min(containers, inputs)
    assert chosen.containers * chosen.time_limit * rate * (retries + 1) <= left
    assert chosen.at_most is not None
    assert chosen.at_most <= left * (1 + 1e-9)
    more = rate * (chosen.containers + 1) * ((retries + 1) * MACHINE.time_limit + STARTUP_LIMIT + IDLE + HEARTBEAT_LIFE)
    assert chosen.containers in (containers, inputs) or more > left


def test_without_a_budget_the_limits_are_those_that_were_asked_for() -> None:
    chosen = limits(Place(max_containers=7, time_limit=99), MACHINE, 1.0, left=None, inputs=100)
    assert (chosen.containers, chosen.time_limit, chosen.seconds) == (7, 99, None)


def test_lowered_limits_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        limits(Place(), MACHINE, 1e-4, left=1.0, inputs=100)
    assert "for the budget: 1 containers, 1800 s an input" in caplog.text


def test_the_clock_is_the_one_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("tasks.remote.budget.time.time", lambda: now[0])
    chosen = limits(Place(max_containers=2, retries=0, time_limit=100), MACHINE, 0.001, left=2.0, inputs=9)
    assert chosen.seconds == pytest.approx(2.0 / 0.001 / 2 - HEARTBEAT_LIFE - IDLE)
    clock = Clock(chosen)
    now[0] += 900
    clock.check()
    now[0] += 40
    with pytest.raises(BudgetReached, match="940 s of 2 containers"):
        clock.check()
    assert clock.spent < 2.0


def test_stages_of_a_command_share_a_budget() -> None:
    budget = Budget(2.0, agreed=True)
    budget.spent += 1.5
    assert budget.left == 0.5
    budget.spent += 1.5
    assert budget.left == 0
    with pytest.raises(BudgetReached, match=r"Got \$0\.0000 left"):
        limits(Place(), MACHINE, 1e-4, left=budget.left, inputs=1)


class Typed(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


def test_a_command_is_agreed_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Estimate(at_most=4.2, expected=0.37, hours=0.5, source="somewhere")
    with pytest.raises(InputError, match=r"nobody to ask.*--yes"):
        Budget(None, agreed=False).agree("10 deals", expected)
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, color_system=None)
    monkeypatch.setattr("tasks.remote.budget.Console", lambda **_: console)
    monkeypatch.setattr(sys, "stdin", Typed("y\nn\n"))
    budget = Budget(5.0, agreed=False)
    budget.agree("10 deals", expected)
    budget.agree("10 deals", expected)
    assert said.getvalue().count("? [y/N] ") == 1
    with pytest.raises(InputError, match="no consent"):
        Budget(5.0, agreed=False).agree("10 deals", expected)


def test_every_stage_that_goes_to_modal_says_what_it_needs() -> None:
    assert {name for name, stage in STAGES.items() if stage.machine is None} == {"tokenize", "publish"}
    assert all(0 < stage.machine.time_limit <= 86_400 for stage in STAGES.values() if stage.machine)


def test_consent_is_for_the_dearest_gpu_and_for_all_slices() -> None:
    asked = ("L4", "A100-80GB")
    executor = ModalExecutor(Place(gpus=asked), Context(), items=10_000)
    found = executor._expected(generate.STAGE, asked, PUBLISHED, items=1_000, inputs=10)
    dearest, cheapest = (
        estimate(generate.STAGE, gpu, Place(), PUBLISHED, items=10_000, inputs=100) for gpu in ("A100-80GB", "L4")
    )
    assert found == dearest
    assert found.at_most > cheapest.at_most
