"""Dominoes as SVG, and a whole game of them on one sheet."""

from forge_core.expected_q.games import Game
from forge_core.expected_q.record import Record
from forge_core.rules import SEATS, declaration_name, pips

WIDTH, HEIGHT = 40, 78
"""Of an upright domino, pixels."""

INK, GOOD, BAD, FAINT = "#1d3557", "#2a9d8f", "#e76f51", "#8d99ae"
_PIPS = {0: "", 1: "e", 2: "ai", 3: "aei", 4: "acgi", 5: "acegi", 6: "acdfgi"}
_CORNER = 5


def domino(identity: int, x: float, y: float, *, edge: str = INK) -> str:
    """An upright domino, its high pip above.

    Args:
        identity: 0-27.
        x: of its left edge, pixels.
        y: of its upper edge, pixels.
        edge: colour of its outline.
    """
    half = HEIGHT / 2
    parts = [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="{_CORNER}" fill="#fffdf7" stroke="{edge}" '
        f'stroke-width="{1.5 if edge == INK else 3}"/>',
        f'<path d="M{x + 5} {y + half}h{WIDTH - 10}" stroke="{FAINT}"/>',
    ]
    for number, top in zip(pips(identity), (y, y + half), strict=True):
        for place in _PIPS[number]:
            row, column = divmod(ord(place) - ord("a"), 3)
            parts.append(f'<circle cx="{x + 9 + 11 * column}" cy="{top + 9 + 10.5 * row}" r="3.6" fill="{INK}"/>')
    return "".join(parts)


def text(words: str, x: float, y: float, *, size: int = 14, colour: str = INK, anchor: str = "start") -> str:
    """A line of text; `words` must not need escaping."""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def sheet(width: int, height: int, parts: list[str]) -> str:
    """A picture that stands alone, on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Helvetica, Arial, sans-serif"><rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def whole_game(game: Game) -> str:
    """All 28 plays of a game on a sheet: a row a trick, a column a seat, and what a play gave up of E[Q], in points."""
    row, left, column = HEIGHT + 30, 120, 90
    score = left + 4 * column + 30
    parts = [
        text(f"Seed {game.seed}, {declaration_name(game.declaration)}: every seat plays by E[Q]", 20, 34, size=18),
        text("seats 0, 2 : 1, 3", score, 62, size=11, anchor="middle"),
        *(text(f"seat {seat}", left + seat * column + WIDTH / 2, 62, anchor="middle") for seat in SEATS),
    ]
    for trick in range(7):
        before, after = (Record.of(game.declaration, 0, game.plays[:n]) for n in (4 * trick, 4 * trick + 4))
        y = 76 + trick * row
        parts.append(text(f"trick {trick + 1}", 20, y + HEIGHT / 2 + 5))
        parts.append(text("{} : {}".format(*after.won), score, y + HEIGHT / 2 + 5, size=16, anchor="middle"))
        for play in range(4 * trick, 4 * trick + 4):
            seat, gap = after.seats[play], float(game.columns["q_gap"][play])
            x = left + seat * column
            parts.append(domino(game.plays[play], x, y, edge=GOOD if seat == after.leader else INK))
            words = ["leads"] * (seat == before.leader) + [f"gave up {gap:.1f}"] * (gap >= 0.05)
            colour = BAD if gap >= 0.05 else FAINT
            middle, below = x + WIDTH / 2, y + HEIGHT + 14
            parts.append(text(", ".join(words), middle, below, size=11, colour=colour, anchor="middle"))
    return sheet(score + 70, 76 + 7 * row + 6, parts)
