"""The command that advises on one decision of a real game."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, build

if TYPE_CHECKING:
    from forge_core.expected_q.advise import Advice
    from forge_core.expected_q.information_set import InformationSet


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(advise)


def advise(
    declaration: Annotated[str, typer.Option(help='By name ("sixes", "doubles-trump") or number 0-9.')],
    hand: Annotated[str, typer.Option(help='What the seat holds now, as in "6-6,6-5".')],
    seat: Annotated[int, typer.Option(help="The seat that asks, 0-3.")] = 0,
    leader: Annotated[int, typer.Option(help="The seat that led the first trick, 0-3.")] = 0,
    plays: Annotated[str, typer.Option(help='Every play of the deal so far, in order, as in "6-0,6-4".')] = "",
    bid: Annotated[int | None, typer.Option(help="The bid of the leader's team, 30-42; gives P(make).")] = None,
    worlds: Annotated[str | None, typer.Option(help="How many worlds to value, or all. [200; rollout 50]")] = None,
    oracle: Annotated[
        str,
        typer.Option(
            help="exact, champion or another name of a model, its path, or hybrid (the solver late): hands open after "
            "this play. seat or rollout (as in rollout:worlds=200): hands hidden to the end."
        ),
    ] = "exact",
    as_json: Json = False,
) -> None:
    """Value every legal play of a seat that sees its own hand and the plays so far."""
    from flows.oracle import oracle_named
    from forge_core.expected_q.information_set import InformationSet
    from forge_core.expected_q.record import Record
    from forge_core.expected_q.settings import EqSettings
    from forge_core.rules import parse_declaration, parse_dominoes

    record = Record.of(parse_declaration(declaration), leader, parse_dominoes(plays))
    info = InformationSet.of(record, seat, parse_dominoes(hand))
    if oracle.partition(":")[0] in ("seat", "rollout"):
        _advise_hidden(info, oracle, bid, worlds, as_json=as_json)
        return
    every = worlds == "all"
    settings = build(EqSettings, {"n_worlds": None if every else worlds or "200", "bid": bid})

    from forge_core.expected_q.advise import advise as value_plays

    advice = value_plays(info, oracle_named(oracle), settings, every_world=every)
    if as_json:
        typer.echo(json.dumps(advice.as_json()))
    else:
        _show(advice)


def _advise_hidden(info: "InformationSet", oracle: str, bid: int | None, worlds: str | None, *, as_json: bool) -> None:
    """By a seat network ("seat" is the champion) or its rollouts."""
    from flows.cli.results import show_rows
    from flows.oracle import player_means
    from forge_core.errors import InputError
    from forge_core.players.registry import make_player
    from forge_core.rules import domino_name
    from forge_core.seat.advise import seat_advice
    from forge_core.seat.player import RolloutPlayer, SeatPlayer

    kind, _, rest = oracle.partition(":")
    text = f"seat:{rest or 'champion'}" if kind == "seat" else "rollout" + (f":{rest}" if rest else "")
    if worlds is not None:
        if kind == "seat" or not worlds.isdecimal():
            raise InputError.of(
                got=f"--worlds {worlds} with --oracle {oracle}",
                expected="a number of worlds, for rollouts alone",
                remedy="leave it out, or use --oracle rollout --worlds 200",
            )
        text += f"{',' if rest else ':'}worlds={worlds}"
    player = make_player(text, player_means())
    assert isinstance(player, SeatPlayer | RolloutPlayer)
    source = player if isinstance(player, RolloutPlayer) else player.model
    advice = seat_advice(info, source, bid=30 if bid is None else bid)
    if as_json:
        typer.echo(json.dumps(advice.as_json()))
        return
    rows = [(domino_name(play.domino), f"{play.mean:+.2f}", f"{play.p_make:.1%}") for play in advice.plays]
    show_rows(f"hands hidden to the end, {player.name}", rows, ("play", "points to go", f"P(make {bid or 30})"))


def _show(advice: "Advice") -> None:
    from flows.cli.results import show_rows
    from forge_core.rules import domino_name

    rows = [
        (
            domino_name(play.domino),
            f"{play.mean:+.2f}",
            f"{play.sem:.2f}",
            "-" if play.p_make is None else f"{play.p_make:.1%}",
            f"{play.best_share:.0%}",
        )
        for play in advice.plays
    ]
    how = "all of them valued: exact" if advice.exact else f"{advice.used:,} of them valued"
    show_rows(f"{advice.worlds:,} possible worlds, {how}", rows, ("play", "E[Q]", "SEM", "P(make)", "among the best"))
