"""Commands that only look: they need no server and start at once."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from forge_core.solver.value_table import ValueTable


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(solve)


def solve(
    seed: Annotated[int | None, typer.Option(help="The seed that deals all four hands; 0 if not given.")] = None,
    declaration: Annotated[
        str | None, typer.Option(help='By name ("sixes", "doubles-trump") or number 0-9; seed % 10 if not given.')
    ] = None,
    hand: Annotated[str | None, typer.Option(help='Seat 0\'s hand, as in "6-6,6-5,6-4,6-2,6-1,6-0,2-2".')] = None,
    opponent_seed: Annotated[
        int | None, typer.Option(help="Deals the 21 dominoes that are not in seat 0's hand; 0 if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve a deal: its value, and every opening play with its Q and its distance to the best."""
    from forge_core.rules import deal_from_seed, deal_with_fixed_hand, parse_declaration, parse_hand

    called = parse_declaration((seed or 0) % 10 if declaration is None else declaration)
    if hand is None and opponent_seed is None:
        seed = seed or 0
        deal = deal_from_seed(seed)
    else:
        opponent_seed = opponent_seed or 0
        held = deal_from_seed(seed or 0).hands[0] if hand is None else parse_hand(hand)
        deal = deal_with_fixed_hand(held, opponent_seed)

    import numpy as np
    from rich.console import Console

    from forge_core.solver import state
    from forge_core.solver.value_table import is_compiled
    from forge_core.solver.value_table import solve as solve_deal

    with Console(stderr=True).status("Solving" if is_compiled() else "Compiling the solver, once: half a minute"):
        table = solve_deal(deal, called)
    row = table.q(np.array([state.OPENING], np.int64))[0]
    q = [None if value == state.ILLEGAL else int(value) for value in row]
    if as_json:
        found = {
            "seed": seed,
            "opponent_seed": opponent_seed,
            "declaration": int(called),
            "hands": [list(dominoes) for dominoes in deal.hands],
            "value": table.opening_value,
            "q": q,
            "reachable_states": table.reachable_states,
        }
        typer.echo(json.dumps(found))
    else:
        _show(table, q)


def _show(table: "ValueTable", q: list[int | None]) -> None:
    from rich.console import Console
    from rich.table import Table

    from forge_core.rules import declaration_name, domino_name

    console = Console(highlight=False)
    hands = Table(title=f"{declaration_name(table.declaration)}, seat 0 leads", title_justify="left")
    hands.add_column("seat")
    hands.add_column("hand")
    for seat, dominoes in enumerate(table.deal.hands):
        hands.add_row(str(seat), "  ".join(domino_name(domino) for domino in dominoes))
    console.print(hands)
    console.print(
        f"value {table.opening_value:+d} (points of seats 0 and 2 minus points of 1 and 3, all hands open)\n"
        f"{table.reachable_states:,} reachable states"
    )
    best = max(value for value in q if value is not None)
    plays = Table(title="opening plays, best first", title_justify="left")
    for name in ("play", "Q", "to the best"):
        plays.add_column(name, justify="right")
    ranked = [(value, slot) for slot, value in enumerate(q) if value is not None]
    for value, slot in sorted(ranked, key=lambda item: (-item[0], item[1])):
        plays.add_row(domino_name(table.deal.hands[0][slot]), f"{value:+d}", str(best - value))
    console.print(plays)
