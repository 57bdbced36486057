"""A recorded contract in the terminal: the hands, and trick by trick who played what."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forge_core.arena.record import replayed
from forge_core.arena.settings import MatchSettings
from forge_core.rules import SEATS, deal_from_seed, declaration_name, domino_name, hand_name, next_seat, trick_winner


def contract_view(row: dict[str, Any], settings: MatchSettings) -> RenderableType:
    """A row of a record (see `forge_core.arena.match.SCHEMA`), replayed by the rules."""
    record = replayed(row)
    deal = deal_from_seed(row["seed"])
    declarer, other = (settings.a, settings.b) if row["declarer"] == "a" else (settings.b, settings.a)
    title = f"seed {row['seed']} · {declaration_name(row['declaration'])} · bid {row['bid']}"
    hands = Table.grid(padding=(0, 2))
    for seat in SEATS:
        hands.add_row(
            f"seat {seat}", declarer if seat % 2 == row.get("seat", 0) % 2 else other, hand_name(deal.hands[seat])
        )
    tricks = Table("trick", "plays, in order", "winner", "seats 0, 2", "seats 1, 3", title_justify="left")
    for first in range(0, len(record.plays), 4):
        plays, seats = record.plays[first : first + 4], record.seats[first : first + 4]
        shown = "  ".join(f"{seat}: {domino_name(domino)}" for seat, domino in zip(seats, plays, strict=True))
        won = record.prefix(first + len(plays)).won
        winner = "" if len(plays) < 4 else str(next_seat(seats[0], trick_winner(plays, row["declaration"])))
        tricks.add_row(str(first // 4 + 1), shown, winner, str(won[0]), str(won[1]))
    ending = "made" if row["made"] else "set"
    if row["forfeit"] is not None:
        ending += f": a side forfeited, it {row['forfeit']}"
    return Group(Text(title, style="bold"), hands, tricks, Text(f"The contract is {ending}."))
