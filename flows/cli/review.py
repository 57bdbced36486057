"""Commands about hands that were played elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json
from flows.cli.results import show_rows
from flows.cli.running import say

if TYPE_CHECKING:
    from forge_core.review.played import BrokenHand

Hands = Annotated[Path, typer.Argument(help="A .json or .csv file of played hands; docs/review.md has the format.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import")(import_hands)
    app.command()(review)


def import_hands(
    path: Hands,
    output: Annotated[Path | None, typer.Option(help="Write the sound records here, as JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Check a file of played hands: what is sound, and a line for every record that is not."""
    from forge_core.files import write_text
    from forge_core.review.played import read_hands
    from forge_core.rules import declaration_name

    sound, broken = read_hands(path)
    text = json.dumps([hand.as_json() for hand in sound], indent=1)
    if output is not None:
        write_text(output, text + "\n")
    if as_json:
        typer.echo(text)
    else:
        rows = [
            (
                hand.name,
                declaration_name(hand.record.declaration),
                str(hand.record.first_leader),
                "?" if hand.bid is None else str(hand.bid),
                str(sum(each is not None for each in hand.hands)),
                str(len(hand.record.plays)),
            )
            for hand in sound
        ]
        show_rows(f"{len(sound)} sound records", rows, ("hand", "declaration", "bidder", "bid", "hands known", "plays"))
    _report(path, broken)


def review(
    path: Hands,
    n_worlds: Annotated[int, typer.Option(min=2, help="Worlds drawn for what a seat could expect.")] = 200,
    html: Annotated[Path | None, typer.Option(help="Write a page that stands alone, too.")] = None,
    as_json: Json = False,
) -> None:
    """Tell of every decision what it gave up: with all hands open, and as E[Q] from what the seat saw."""
    from flows.oracle import oracle_named
    from forge_core.files import write_text
    from forge_core.review.judge import Review
    from forge_core.review.judge import review as judge
    from forge_core.review.played import read_hands
    from forge_view import review_rows
    from forge_view.console import progress

    sound, broken = read_hands(path)
    oracle, reviews = oracle_named(), list[Review]()
    with progress("reviewing hands", len(sound), "{hands:.2f} hands/s") as advance:
        for hand in sound:
            reviews.append(judge(hand, oracle, n_worlds=n_worlds))
            advance(1, hands=1)
    if html is not None:
        write_text(html, review_rows.page(reviews))
        say(f"{html}")
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in reviews]))
    else:
        for each in reviews:
            show_rows(review_rows.title(each), review_rows.decision_rows(each), review_rows.COLUMNS)
            show_rows("Given up in all", review_rows.seat_rows(each), ("seat", "decisions", "lost, open", "lost, E[Q]"))
    _report(path, broken)


def _report(path: Path, broken: "list[BrokenHand]") -> None:
    for each in broken:
        say(f"{path}, {each.where}: {each.problem}")
    if broken:
        raise typer.Exit(2)
