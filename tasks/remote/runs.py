"""A run on Modal from the question whether it may begin to its last receipt."""

import logging
import math
import sys
from collections.abc import Sequence
from typing import Any

import modal

from configs.modal import MACHINES, GpuName, Job, Place
from forge_core.artifacts.collection import Receipt
from forge_core.errors import BudgetReached, InputError, RemoteError
from tasks.console import console, progress
from tasks.elsewhere import Elsewhere, elsewhere
from tasks.remote import connection
from tasks.remote.cost import Estimate, block_size_at, estimate
from tasks.remote.dispatch import Answer, Dispatch, Input
from tasks.remote.guard import guarded
from tasks.remote.journal import Journal
from tasks.remote.meter import Meter
from tasks.remote.prices import PUBLISHED, Prices

logger = logging.getLogger(__name__)

PATIENCE = 180
"""Seconds until a GPU that cannot be had gives way to the next one of the list."""


async def run_jobs(jobs: Sequence[Job], place: Place, *, unit: str, items: Sequence[int]) -> list[Receipt]:
    """Make blocks of a collection on Modal; their receipts, in the order in which they came.

    place        as `place_for` says
    unit, items  what a block consists of, in the plural, and how many of them each job has

    The cost is told and has to be agreed to before anything starts. Raises RemoteError and what the stage raises.
    """
    stage, away, prices = jobs[0].key.stage, here(), await current_prices()
    first = place.gpus[0] if place.gpus else None
    made = sum(items)
    whole = max(made, away.items or 0)
    blocks = len(jobs) + math.ceil((whole - made) / block_size_at(place, stage))
    what = f"{'up to ' if whole > made else ''}{whole:,} {unit} in {blocks:,} inputs on {place.name}"
    agree(what, estimate(stage, first, place, prices, items=whole, inputs=blocks), away)
    expected = estimate(stage, first, place, prices, items=made, inputs=len(jobs))
    facts = {"inputs": len(jobs), "items": made, "unit": unit, "at_most": expected.at_most}
    facts |= {"expected": expected.expected, "budget": place.budget, "function": MACHINES[stage].function}
    receipts: list[Receipt] = []
    with progress(f"{unit} on Modal", made, "{items:.1f} a second") as advance:

        def on_answer(asked: Input, answer: Answer) -> None:
            receipts.append(Receipt.model_validate(answer))
            advance(asked.items, items=asked.items)

        gpu = await choose_gpu(stage, place, prices)
        journal = Journal.begin(stage, gpu=gpu, **facts)
        logger.info(
            "%-12s run %s: watch it with `forge modal status`, stop it with `forge modal stop`", "modal", journal.name
        )
        meter = Meter(prices.second(stage, gpu), place.max_containers, away.left)
        function = await chosen_function(stage, gpu, place)
        inputs = [Input(job.block, job.model_dump(mode="json"), n) for job, n in zip(jobs, items, strict=True)]
        await _drive(Dispatch(function, journal, place, meter, on_answer), inputs)
    if away.items is not None:
        away.items = max(0, away.items - made)
    logger.info("%-12s %d %s made, about $%.2f by estimate", "modal", made, unit, meter.spent)
    return receipts


async def _drive(dispatch: Dispatch, inputs: Sequence[Input]) -> None:
    """Run inputs under a guard. However it ends, what they cost is gone from the budget."""
    with guarded(dispatch.journal.path):
        try:
            await dispatch.run(inputs)
        finally:
            here().spent += dispatch.meter.spent


def here() -> Elsewhere:
    """The place on Modal that was chosen, and what was spent there."""
    return elsewhere() or Elsewhere(Place())


def place_for(*, gpu: bool) -> Place:
    """The place that was chosen, with what its budget leaves, for work that can or cannot use a GPU: none is rented
    for what computes on processor cores. Raises BudgetReached when nothing is left."""
    away = here()
    if away.left == 0:
        raise BudgetReached.of(
            got=f"an estimate of ${away.spent:.2f} before this stage",
            expected=f"less than the budget of ${away.place.budget:.2f}",
            remedy="what was finished is kept: run the same command again with another --budget for the rest",
        )
    if away.place.gpus and not gpu:
        logger.info("%-12s this computes on processor cores: no GPU is rented for it", "modal")
    return away.place.model_copy(update={"budget": away.left, "gpus": away.place.gpus if gpu else ()})


def agree(what: str, expected: Estimate, away: Elsewhere) -> None:
    """Tell what a run will cost, and ask whether it may start. InputError where nobody can be asked.

    It is asked once where the whole command's price is known: it has a budget, or says how much it is to make.
    """
    likely = "unknown, as this was never measured" if expected.expected is None else f"about ${expected.expected:.2f}"
    hours = "" if expected.hours is None else f" in {_duration(expected.hours)}"
    logger.info("%-12s %s", "modal", what)
    logger.info(
        "%-12s cost: at most $%.2f, expected: %s%s (%s)", "modal", expected.at_most, likely, hours, expected.source
    )
    if away.agreed:
        return
    if not (sys.stdin.isatty() and console().is_terminal):
        raise InputError.of(
            got="a run that costs money, and nobody to ask whether it may start",
            expected="consent",
            remedy="pass --yes (in a form of the Prefect UI: `agreed`), and a --budget to be safe",
        )
    budget = "" if away.left is None else f", and go on with the rest up to ${away.left:.2f} in all"
    if console().input(f"Start{budget}? [y/N] ", markup=False).strip().lower() not in ("y", "yes"):
        raise InputError.of(got="no consent", expected="y", remedy="nothing was started")
    away.agreed = away.left is not None or away.items is not None


async def choose_gpu(stage: str, place: Place, prices: Prices) -> GpuName | None:
    """The first GPU of the list that can be had; RemoteError when none can. One alone is waited for."""
    if len(place.gpus) < 2:
        return place.gpus[0] if place.gpus else None
    for gpu in place.gpus:
        function = await chosen_function(stage, gpu, place)
        journal = Journal.begin(stage, gpu=gpu, function=MACHINES[stage].function, inputs=1, unit="question")
        meter = Meter(prices.second(stage, gpu), 1, here().left)
        asked = Place(gpus=(gpu,), max_containers=1, retries=0)
        try:
            dispatch = Dispatch(function, journal, asked, meter, _ignore, patience=PATIENCE)
            await _drive(dispatch, [Input("hello", {"hello": True})])
            return gpu
        except TimeoutError:
            logger.warning("%-12s no %s within %d s", "modal", gpu, PATIENCE)
    raise RemoteError.of(
        got=f"none of {', '.join(place.gpus)} within {PATIENCE} s each",
        expected="one of them",
        remedy="name other GPUs, or try again later",
    )


async def chosen_function(stage: str, gpu: GpuName | None, place: Place) -> "modal.Function[..., Any, Any]":
    """The deployed Function of a stage, with the place's GPU and limits."""
    machine = MACHINES[stage]
    function = await connection.function(machine.function)
    limit = place.time_limit or machine.time_limit
    return function.with_options(gpu=gpu, max_containers=place.max_containers, timeout=limit)


async def current_prices() -> Prices:
    """Modal's own list where this workspace may see it, else what was published."""
    try:
        rates = await modal.Workspace.from_context().billing.rates.aio()
    except modal.exception.Error:
        return PUBLISHED
    return PUBLISHED.corrected({name: float(rate) for name, rate in rates.items()})


def _ignore(_asked: Input, _answer: Answer) -> None:
    """The answer to a question that was asked to see whether there is an answer."""


def _duration(hours: float) -> str:
    return f"{60 * hours:.0f} minutes" if hours < 2 else f"{hours:.1f} hours"
