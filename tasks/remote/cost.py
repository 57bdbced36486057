"""What work on Modal will cost: from measured times an item, what containers cost a second, and nothing else.

Times come from committed measurements. A GPU that nobody has measured has no expectation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import modal

from configs.modal import GPUS, GpuName, Place
from tasks.registry import STAGES
from tasks.remote.prices import PUBLISHED, Prices
from tasks.stage import Machine, Stage

CORE_SECONDS: Mapping[str, tuple[float, str]] = {
    "generate": (0.22, "bench/dispatch.py on an AMD EPYC"),
    "generate-eq": (0.299, "bench/expected_q.py on an AMD EPYC, exact oracle"),
}
"""Seconds of one core for a deal with 50,000 sampled states, and for a game; and where they were measured."""

START = 45.0
"""Seconds that a container takes before its first item, in this model: to start, to import, to compile kernels."""

CONTAINERS = 10
"""Containers at a time in the table of costs."""

STARTUP_LIMIT = 300
"""Seconds that a container may take to start; they are billed."""

IDLE = 10
"""Seconds that a container waits for another input before it ends; they are billed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a container for one item, and where that was measured."""

    seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What work costs.

    Attributes:
        at_most: US dollars if every attempt of every input takes as long as it may, as long as Modal preempts none.
        expected: US dollars; None where nothing was measured.
        hours: how long it takes; None where nothing was measured.
        source: where the times come from.
    """

    at_most: float
    expected: float | None
    hours: float | None
    source: str


def pace(stage: str, gpu: GpuName | None) -> Pace | None:
    """How fast a container is at a stage; None when it was never measured."""
    machine = STAGES[stage].machine
    if gpu is not None or stage not in CORE_SECONDS or machine is None:
        return None
    core_seconds, source = CORE_SECONDS[stage]
    return Pace(core_seconds / machine.cores, source)


def estimate(
    stage: Stage[Any], gpu: GpuName | None, place: Place, prices: Prices, *, items: int, inputs: int
) -> Estimate:
    """What so many items in so many inputs cost at a place."""
    machine = stage.machine or Machine(cores=1, memory=1)
    second = prices.second(machine, gpu)
    containers = min(place.max_containers, inputs)
    overhead = containers * (START + IDLE)
    limit = place.time_limit or machine.time_limit
    at_most = (inputs * (place.retries + 1) * limit + overhead) * second
    measured = pace(stage.name, gpu)
    if measured is None:
        return Estimate(at_most, None, None, "not measured on this machine type")
    work = items * measured.seconds
    return Estimate(at_most, (work + overhead) * second, (work / containers + START) / 3600, measured.source)


def table(prices: Prices, *, counts: tuple[int, ...] = (10_000, 1_000_000)) -> list[tuple[str, ...]]:
    """Deals with 50,000 sampled states each, by machine: dollars an hour, then dollars and hours for each count."""
    rows: list[tuple[str, ...]] = []
    generate = STAGES["generate"]
    machine = generate.machine or Machine(cores=1, memory=1)
    machines: list[GpuName | None] = [None, *(name for name in GPUS if name != "H100!")]
    for gpu in machines:
        place = Place(gpus=(gpu,) if gpu else (), max_containers=CONTAINERS)
        cells: list[str] = []
        for count in counts:
            inputs = -(-count // block_size("generate", gpu))
            found = estimate(generate, gpu, place, prices, items=count, inputs=inputs)
            known = found.expected is not None and found.hours is not None
            cells += [f"${found.expected:,.2f}", f"{found.hours:,.2f}"] if known else ["not measured", ""]
        name = gpu or f"{machine.cores:g} cores"
        rows.append((name, f"${3600 * prices.second(machine, gpu):.3f}", *cells))
    return [*rows, ("another pipeline, as published", "", "about $25", "4", "", "")]


_MEMORY: Mapping[GpuName, int] = {
    "T4": 16,
    "L4": 24,
    "A10": 24,
    "L40S": 48,
    "A100-40GB": 40,
    "A100-80GB": 80,
    "H100": 80,
    "H100!": 80,
    "H200": 141,
    "B200": 180,
}
_DEALS_A_GIGABYTE = 20
"""The kernels' tables take some 40 MB a deal, and a block should go through the device in one batch."""


def block_size(stage: str, gpu: GpuName | None) -> int:
    """Deals, games or hands in an input: worth a container's start, and no more than a GPU holds at a time."""
    if stage in ("generate-eq", "bids"):
        return 50
    return 250 if gpu is None else _MEMORY[gpu] * _DEALS_A_GIGABYTE


def block_size_at(place: Place, stage: str) -> int:
    """Deals or games in an input that suits every GPU of a place: which of them can be had is not known yet."""
    return min(block_size(stage, gpu) for gpu in place.gpus or (None,))


async def current_prices() -> Prices:
    """Modal's own list where this workspace may see it, else what was published."""
    try:
        rates = await modal.Workspace.from_context().billing.rates.aio()
    except modal.exception.Error:
        return PUBLISHED
    return PUBLISHED.corrected({name: float(rate) for name, rate in rates.items()})
