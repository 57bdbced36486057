"""The command that lets players play against each other."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import Json, build

if TYPE_CHECKING:
    from forge_core.arena.games import Bidder
    from forge_core.arena.statistics import Sprt


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(arena)


def arena(
    players: Annotated[
        list[str], typer.Argument(help="Two players, as in pimc:worlds=50,objective=make; more with --matrix.")
    ],
    deals: Annotated[int, typer.Option(help="How many deals, each played twice.")] = 2000,
    start_seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    bid: Annotated[int, typer.Option(help="The points that the declaring team needs.")] = 30,
    declare: Annotated[str, typer.Option(help="best-pip, fixed or own: who calls which trumps.")] = "best-pip",
    record: Annotated[
        Path | None, typer.Option(help="A folder that keeps every contract; a later call goes on.")
    ] = None,
    matrix: Annotated[bool, typer.Option("--matrix", help="Everyone against everyone, with ratings.")] = False,
    games: Annotated[int | None, typer.Option(min=1, help="Whole games to seven marks instead of contracts.")] = None,
    bidders: Annotated[
        str, typer.Option(help="For --games, one for both or A's,B's: pass, expected, fixed:30, points.")
    ] = "pass",
    sprt: Annotated[
        str | None, typer.Option(help="Stop when decided: A's shares of discordant pairs, 0.5:0.55.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let players play mirrored contracts, and tell who is better and how sure that is."""
    from rich.console import Console

    from flows.oracle import player_means
    from forge_core.arena.games import run_games
    from forge_core.arena.run import run_match, run_matrix
    from forge_core.arena.settings import Deals, MatchSettings
    from forge_view.arena import games_view, match_view, matrix_view
    from forge_view.console import progress

    _check(players, matrix=matrix)
    if matrix and games:
        raise typer.BadParameter("--games is for two players; leave out --matrix.")
    chosen = build(Deals, {"start": start_seed, "count": games or deals})
    means = player_means()
    _bidders(bidders)  # said before anything is played
    rounds = len(players) * (len(players) - 1) // 2 if matrix else 1
    label = "playing games" if games else "playing deals"
    with progress(label, chosen.count * rounds, "{done:.1f} a second") as advance:

        def on_block(n: int) -> None:
            advance(n, done=n)

        shared: dict[str, Any] = {"on_block": on_block}
        settings = build(MatchSettings, {"a": players[0], "b": players[1], "bid": bid, "declare": declare})
        if games:
            played = run_games(chosen, settings, means, bidders=_bidders(bidders), **shared)
            values, view = played.as_json(), games_view(played)
        elif matrix:
            all_ = run_matrix(players, chosen, means, bid=bid, declare=settings.declare, record=record, **shared)
            values, view = all_.as_json(), matrix_view(all_)
        else:
            test = None if sprt is None else _sprt(sprt)
            match = run_match(chosen, settings, means, record=record, sprt=test, **shared)
            values, view = match.as_json(), match_view(match)
    if as_json:
        typer.echo(json.dumps(values))
    else:
        Console(highlight=False).print(view)


def _check(players: list[str], *, matrix: bool) -> None:
    from forge_core.errors import InputError

    if len(players) != 2 and not (matrix and len(players) > 2):
        raise InputError.of(
            got=f"{len(players)} players" + " for a matrix" * matrix,
            expected="two players, or several with --matrix",
            remedy="write them as in: forge arena pimc:worlds=50 highest",
        )


def _bidders(text: str) -> "tuple[Bidder, Bidder]":
    from forge_core.arena.games import Passing
    from forge_core.bids.bidders import make_bidder
    from forge_core.errors import InputError

    words = [word.strip() for word in text.split(",")]
    if len(words) not in (1, 2):
        raise InputError.of(got=f"--bidders {text}", expected="one bidder, or two with a comma", remedy="correct it")
    made = [Passing() if word == "pass" else make_bidder(word) for word in words]
    return made[0], made[-1]


def _sprt(text: str) -> "Sprt":
    from forge_core.arena.statistics import Sprt
    from forge_core.errors import InputError

    try:
        null, alternative = (float(part) for part in text.split(":"))
        if not 0 < null < 1 or not 0 < alternative < 1 or null == alternative:
            raise ValueError(text)
        return Sprt(null, alternative)
    except ValueError as error:
        raise InputError.of(
            got=f"--sprt {text}",
            expected="two different shares between 0 and 1 with a colon",
            remedy="write it as in --sprt 0.5:0.55",
        ) from error
