"""The flow `arena`: players play mirrored contracts or games, in blocks, and its run's page tells who is better."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect import flow

from flows import forms
from flows.context import executor_for
from forge_core.arena.games import GamesResult
from forge_core.arena.result import MatchResult
from forge_core.arena.run import Matrix, matrix_of
from forge_core.arena.settings import Contest, Deals
from forge_view.arena import contest_page, draw_ratings
from forge_view.pages import publish
from tasks import tracking
from tasks.run import stage_task
from tasks.steps import networks_of, play_match

_DEFAULT = Deals()


@flow(name="arena")
def arena(
    contest: forms.Settings[Contest], deals: forms.Settings[Deals] = _DEFAULT, on: forms.On = None
) -> dict[str, Any]:
    """Let players play each deal twice, with A's team declaring and with B's, and tell who is better.

    contest  two players, or more for everyone against everyone; contracts or whole games
    deals    the seeds
    on       where they play; none = here
    """
    networks_of(contest.everyone)  # what cannot be meant is refused before anything is played
    executor = executor_for(on)
    results: dict[tuple[int, int], MatchResult] = {}
    result: MatchResult | GamesResult | Matrix | None = None
    for pair, match in contest.matches().items():
        _, result = play_match(match, deals, executor, sprt=contest.test)
        if isinstance(result, MatchResult):
            results[pair] = result
    if len(results) > 1:
        result = matrix_of(contest.everyone, results)
    assert result is not None  # a contest has a match
    _report(contest, result)
    return result.as_json()


@stage_task(name="report match")
def _report(contest: Contest, result: MatchResult | GamesResult | Matrix) -> None:
    """The tables and the plot on the run's page, the figures in MLflow."""
    publish("match", contest_page(result), "Who is better")
    with (
        TemporaryDirectory() as folder,
        tracking.tracked("arena", parameters=contest.model_dump(mode="json"), tags={"stage": "arena"}) as run,
    ):
        run.metrics(_figures(result))
        if isinstance(result, Matrix):
            plot = Path(folder) / "ratings.png"
            draw_ratings(plot, result)
            run.file(plot)


def _figures(result: MatchResult | GamesResult | Matrix) -> dict[str, float]:
    if isinstance(result, Matrix):
        names = [re.sub(r"[^\w.-]", "_", player) for player in result.players]
        return {f"elo/{name}": float(elo) for name, elo in zip(names, result.ratings.elo, strict=True)}
    if isinstance(result, GamesResult):
        low, high = result.interval
        figures = {"games": result.games, "won_by_a": result.won_by_a, "win_rate": result.win_rate}
        return figures | {"win_rate_low": low, "win_rate_high": high, "marks": result.marks}
    low, high = result.marks_interval
    figures = {"pairs": result.pairs, "only_a": result.a.only, "only_b": result.b.only, "z": result.z, "p": result.p}
    rates = {"make_rate_a": result.a.make_rate, "make_rate_b": result.b.make_rate}
    return figures | rates | {"marks": result.marks, "marks_low": low, "marks_high": high}
