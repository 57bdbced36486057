"""The command that lets players play against each other."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import CONTEST, MATCH_DEALS, Json, build, setting
from forge_core.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(arena)


def arena(
    players: Annotated[
        list[str], typer.Argument(help="Two players, as in pimc:worlds=50,objective=make; more with --matrix.")
    ],
    deals: Annotated[int, setting(MATCH_DEALS, "count")] = 2000,
    start_seed: Annotated[int, setting(MATCH_DEALS, "start")] = 0,
    bid: Annotated[int, setting(CONTEST, "bid")] = 30,
    declare: Annotated[str, setting(CONTEST, "declare")] = "best-pip",
    record: Annotated[
        Path | None, typer.Option(help="A folder that keeps every contract; a later call goes on.")
    ] = None,
    matrix: Annotated[bool, typer.Option("--matrix", help="Everyone against everyone, with ratings.")] = False,
    games: Annotated[int | None, typer.Option(min=1, help="Whole games to seven marks instead of contracts.")] = None,
    bidders: Annotated[
        str, typer.Option(help="For --games, one for both or A's,B's: pass, expected, fixed:30, points.")
    ] = "pass",
    sprt: Annotated[str, setting(CONTEST, "sprt")] = "",
    as_json: Json = False,
) -> None:
    """Let players play mirrored contracts, and tell who is better and how sure that is."""
    from rich.console import Console

    from flows.oracle import player_means
    from forge_core.arena.run import run_contest
    from forge_core.arena.settings import Contest, Deals
    from forge_view.arena import contest_view
    from forge_view.console import progress

    if matrix and games:
        raise typer.BadParameter("--games is for two players; leave out --matrix.")
    if len(players) > 2 and not matrix:
        raise InputError.of(
            got=f"{len(players)} players",
            expected="two, or --matrix for everyone against everyone",
            remedy="write them as in: forge arena pimc:worlds=50 highest",
        )
    asked = {"players": players, "bid": bid, "declare": declare, "games": games is not None, "sprt": sprt}
    contest = build(Contest, {**asked, "bidders": [word.strip() for word in bidders.split(",")]})
    chosen = build(Deals, {"start": start_seed, "count": games or deals})
    label = "playing games" if games else "playing deals"
    with progress(label, chosen.count * len(contest.matches()), "{done:.1f} a second") as advance:
        result = run_contest(contest, chosen, player_means(), record=record, on_block=lambda n: advance(n, done=n))
    if as_json:
        typer.echo(json.dumps(result.as_json()))
    else:
        Console(highlight=False).print(contest_view(result))
