"""What a run costs, on paper and while it goes on."""

import json
import math
from pathlib import Path

import pytest

from configs.modal import MACHINES, Place
from tasks.remote import cost, journal
from tasks.remote.cost import estimate, pace, table
from tasks.remote.journal import Journal
from tasks.remote.meter import IDLE, Meter
from tasks.remote.prices import PER_CORE, PER_GIB, PER_GPU, PUBLISHED

RECORD = Path(__file__).parents[2] / "bench" / "results" / "dispatch.json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path))
    return tmp_path


def test_a_second_of_a_container_is_its_gpu_its_cores_and_its_memory() -> None:
    machine = MACHINES["train"]
    expected = PER_GPU["H100"] + machine.cores * PER_CORE + machine.memory * PER_GIB
    assert PUBLISHED.second("train", "H100") == pytest.approx(expected)


def test_modals_own_list_overrides_what_it_names_in_the_same_unit() -> None:
    prices = PUBLISHED.corrected({"GPU-T4": 0.0002, "gpu_h100": 0.0011 * 3600, "cpu": 0.00002, "something": 1.0})
    assert (prices.gpu["T4"], prices.gpu["H100"]) == (0.0002, PER_GPU["H100"])  # the second one is a price an hour
    assert (prices.core, prices.gib) == (0.00002, PER_GIB)
    assert prices.source != PUBLISHED.source
    assert PUBLISHED.corrected({"nothing known": 5.0}) is PUBLISHED


def test_ten_thousand_deals_on_processor_cores_cost_cents() -> None:
    found = estimate("generate", None, Place(max_containers=10), PUBLISHED, items=10_000, inputs=40)
    second = PUBLISHED.second("generate", None)
    work = 10_000 * cost.CORE_SECONDS["generate"][0] / MACHINES["generate"].cores
    assert found.expected == pytest.approx((work + 10 * (cost.START + IDLE)) * second)
    assert found.expected is not None
    assert found.expected < 0.5
    assert found.at_most > found.expected


def test_a_budget_is_the_most_that_a_run_costs() -> None:
    assert estimate("train", "H100", Place(budget=3.0), PUBLISHED, items=1, inputs=1).at_most == 3.0
    day = estimate("train", "H100", Place(retries=0), PUBLISHED, items=1, inputs=1)
    assert day.at_most == pytest.approx(PUBLISHED.second("train", "H100") * (86_400 + cost.START + IDLE))


def test_a_gpu_has_a_row_once_it_was_used() -> None:
    assert pace("generate", "L4") is None
    assert next(row for row in table(PUBLISHED) if row[0] == "L4")[2:] == ("not measured", "", "not measured", "")
    run = Journal.begin("generate", gpu="L4")
    run.write("call", id="fc-1", block="b")
    run.write("done", id="fc-1", block="b", items=100, seconds=5.0, device="NVIDIA L4")
    found = pace("generate", "L4")
    assert found is not None
    assert found.seconds == 0.05
    assert "1 runs of this installation" in found.source
    assert pace("generate", "T4") is None
    assert next(row for row in table(PUBLISHED) if row[0] == "L4")[2].startswith("$")


def test_the_meter_counts_containers_not_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("tasks.remote.meter.time.monotonic", lambda: now[0])
    meter = Meter(rate=0.01, containers=4, budget=0.5)
    meter.tick(0)
    now[0] += 10
    assert meter.tick(2) == pytest.approx(0.01 * (2 * 10 + 2 * IDLE))
    assert not meter.used_up
    now[0] += 1
    assert meter.tick(100) == pytest.approx(0.01 * (2 * 10 + 4 * 1 + 4 * IDLE))
    assert meter.used_up


def test_a_journal_that_broke_off_in_a_line_tells_what_it_can(home: Path) -> None:
    run = Journal.begin("generate", gpu=None)
    run.write("spawning", block="a")
    run.write("call", block="a", id="fc-1", spent=0.1)
    run.write("spawning", block="b")
    with run.path.open("a") as file:
        file.write('{"event": "call", "blo')
    (found,) = journal.runs()
    assert (found.open, found.lost, found.spent, found.state) == ({"fc-1": "a"}, {"b"}, 0.1, "running")
    assert journal.find(found.name[:15]).name == run.name


def test_the_time_in_the_cost_model_is_the_one_that_was_measured() -> None:
    measured = json.loads(RECORD.read_text())["measures"]["core_seconds_a_deal"]
    assert abs(math.log(cost.CORE_SECONDS["generate"][0] / measured)) < math.log(1.5)
