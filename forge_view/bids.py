"""A bid matrix in the terminal: heat maps, and the best declaration of every bid."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from forge_core.bids.advice import BidAdvice, Candidate, Stakes
from forge_core.bids.histogram import Chance
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.bids.why import Failure, Why
from forge_core.rules import BIDS, Bid, declaration_name, domino_name, hand_name

TITLES = {
    Method.OPEN: "all hands open, exact: an upper bound",
    Method.PLAY: "played by seats that see one hand: the price",
}


def heat_colour(p: float) -> str:
    """The colour of a probability, "#rrggbb": red at 0, yellow at 1/2, green at 1."""
    low, middle, high = (192, 57, 43), (241, 196, 15), (30, 132, 73)
    start, end, at = (low, middle, 2 * p) if p < 0.5 else (middle, high, 2 * p - 1)
    return "#" + "".join(f"{round(a + (b - a) * at):02x}" for a, b in zip(start, end, strict=True))


def ink(p: float) -> str:
    """The colour of text on that colour."""
    return "#000000" if 0.2 < p < 0.85 else "#ffffff"


def heat_map(matrix: BidMatrix, method: Method) -> Table:
    """P(make) in percent, a row for each declaration, a column for each bid; 80 characters wide."""
    n = int(matrix.counts[method][0].sum())
    table = Table(title=f"P(make) in %: {TITLES[method]}; {n:,} worlds", title_justify="left", box=None, padding=(0, 0))
    table.add_column("")
    for bid in BIDS:
        table.add_column(short_name(bid), justify="right", min_width=4)
    for declaration in matrix.declarations:
        chances = [matrix.chance(method, declaration, bid).p for bid in BIDS]
        cells = [Text(f"{100 * p:4.0f}", style=f"{ink(p)} on {heat_colour(p)}") for p in chances]
        table.add_row(f"{declaration_name(declaration)} ", *cells)
    return table


def short_name(bid: Bid) -> str:
    """ "30" ... "42", "2m"."""
    return "2m" if bid.marks == 2 else str(bid)


def best_bids(matrix: BidMatrix) -> Table:
    """Every bid with its best declaration by each method, 95 % intervals, and how far the methods are apart."""
    table = Table(title="The best declaration of every bid, 95 % intervals", title_justify="left")
    table.add_column("bid", justify="right")
    for method in matrix.counts:
        table.add_column(method.value)
        table.add_column("P(make)", justify="right")
    if Method.PLAY in matrix.counts:
        table.add_column("open - play", justify="right")
    for bid in BIDS:
        table.add_row(str(bid), *_best_cells(matrix, bid))
    return table


def _best_cells(matrix: BidMatrix, bid: Bid) -> Iterator[str]:
    chosen = {method: matrix.best(method, bid) for method in matrix.counts}
    for method, declaration in chosen.items():
        yield declaration_name(declaration)
        yield interval(matrix.chance(method, declaration, bid))
    if Method.PLAY in chosen:
        declaration = chosen[Method.PLAY]
        gap = matrix.chance(Method.OPEN, declaration, bid).p - matrix.chance(Method.PLAY, declaration, bid).p
        yield f"{100 * gap:+.0f} points"


def interval(chance: Chance) -> str:
    """ "83 % (79-87)"."""
    return f"{100 * chance.p:.0f} % ({100 * chance.low:.0f}-{100 * chance.high:.0f})"


def advice_lines(advice: BidAdvice, stakes: Stakes, lead: int | None) -> list[str]:
    """What to call and why, with the assumptions; `lead` is the best opening lead of the contract."""
    unit = "marks" if stakes.score is None else "chance to win the game"
    lines = [f"Chances are those of the method {advice.method.value}: {TITLES[advice.method]}."]
    call = "pass" if advice.call is None else _told(advice.call, unit)
    lines.append(f"Call: {call}" + (" (forced: the dealer may not pass)" if advice.forced else ""))
    if advice.highest is None:
        lines.append("No legal bid is worth more than passing.")
    else:
        lines.append(f"Highest bid worth making: {_told(advice.highest, unit)}")
    lines.append(f"A forced dealer at 30: {_told(advice.at_30, unit)}")
    if lead is not None:
        lines.append(f"Best opening lead: {domino_name(lead)}")
    lines.append(
        f"Assumed: after a pass somebody else plays for one mark and makes it in {stakes.others_make:.0%}, "
        f"so that passing is worth {advice.passing:+.2f} {unit}."
    )
    if advice.bidders is not None:
        lines.append(
            f"Assumed: each of the {len(advice.bidders.seats)} who have bid holds at most {advice.bidders.offs} offs; "
            "the opening lead, and the seats of the playouts, assume nothing."
        )
    if stakes.score is not None:
        lines.append("Assumed: later hands are worth one mark to either side with equal chances.")
    return lines


def _told(candidate: Candidate, unit: str) -> str:
    chance = interval(candidate.chance)
    name = declaration_name(candidate.declaration)
    return f"{candidate.bid} with {name}, made in {chance}, worth {candidate.value:+.2f} {unit}"


def matrix_view(matrix: BidMatrix, advice: BidAdvice, stakes: Stakes, lead: int | None) -> list[RenderableType]:
    """All that `forge bid` shows, from top to bottom."""
    maps = [heat_map(matrix, method) for method in matrix.counts]
    return [*maps, best_bids(matrix), *(Text(line) for line in advice_lines(advice, stakes, lead))]


def why_lines(found: Why, show: int) -> Iterator[str]:
    """The failures of a contract by reason, the `show` most usual ones with a replay of one deal each."""
    share = found.n_failures / found.playouts
    yield f"{found.n_failures} of {found.playouts} hands stay below {found.below} points ({share:.0%})."
    for reason in found.reasons[:show]:
        led, winner = domino_name(reason.led), domino_name(reason.won_by)
        many = len(reason.failures)
        yield f"\n{many} of them: the trick that cost most is led with {led} and taken by {winner}. One:"
        yield from _replay(reason.failures[0])


def _replay(failure: Failure) -> Iterator[str]:
    for seat, hand in enumerate(failure.deal.hands):
        yield f"  seat {seat} holds {hand_name(hand)}"
    for leader, dominoes, winner, points in failure.tricks():
        side = "won" if winner % 2 == 0 else "LOST"
        yield f"  seat {leader} leads  {'  '.join(map(domino_name, dominoes))}  {side} by seat {winner}: {points}"
    yield f"  {failure.points} points"
