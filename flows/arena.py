"""The flow `arena`: two players play mirrored contracts, in blocks, and its run's page tells who is better."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from configs.pipeline import SeedRange
from flows import forms
from flows.context import executor_for
from forge_core.arena.record import read_all
from forge_core.arena.result import MatchResult, result_of
from forge_core.arena.settings import Deals, MatchSettings
from forge_view.arena import match_markdown
from tasks import arena as stage
from tasks import tracking
from tasks.blocks import cut
from tasks.run import run_stages, stage_task, store
from tasks.stage import Call
from tasks.steps import networks_of

BLOCK = 100
"""Deals in a task: half a minute or so for players that search 50 worlds."""

_DEFAULT = Deals()


@flow(name="arena")
def arena(
    match: forms.Settings[MatchSettings], deals: forms.Settings[Deals] = _DEFAULT, on: forms.On = None
) -> dict[str, Any]:
    """Let two players play each deal twice, with A's team declaring and with B's, and tell who is better.

    match  the players by text, as in pimc:worlds=50,objective=make, the bid, and who calls which trumps
    deals  the seeds
    on     where they play; none = here
    """
    inputs = networks_of((match.a, match.b))  # what cannot be meant is refused before anything is played
    calls = [
        Call(
            stage.STAGE,
            stage.ArenaSettings(match=match, seeds=tuple(seeds)),
            inputs,
            title=f"arena {seeds.start}-{seeds.stop - 1}",
        )
        for seeds in cut([SeedRange(start=deals.start, count=deals.count)], BLOCK)
    ]
    objects = run_stages(calls, executor_for(on))
    blocks = [block for found in objects for block in read_all(store().path(found))]
    result = result_of(blocks, match)
    _report(match, result)
    return result.as_json()


@stage_task(name="report match")
def _report(match: MatchSettings, result: MatchResult) -> None:
    """The table on the run's page, the figures in MLflow."""
    create_markdown_artifact(match_markdown(result), key="match", description="Who is better")
    low, high = result.marks_interval
    figures = {
        "pairs": float(result.pairs),
        "only_a": float(result.a.only),
        "only_b": float(result.b.only),
        "make_rate_a": result.a.make_rate,
        "make_rate_b": result.b.make_rate,
        "z": result.z,
        "p": result.p,
        "marks": result.marks,
        "marks_low": low,
        "marks_high": high,
    }
    with tracking.tracked("arena", parameters=match.model_dump(mode="json"), tags={"stage": "arena"}) as run:
        run.metrics(figures)
