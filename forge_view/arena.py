"""Matches as tables for the terminal, as Markdown for a run's page, and ratings as a plot."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forge_core.arena.games import GamesResult
from forge_core.arena.result import MatchResult, Side
from forge_core.arena.run import Matrix
from forge_core.intervals import Interval


def match_rows(match: MatchResult) -> list[tuple[str, str, str]]:
    """(what, A's, B's) of a match."""
    sides = (match.a, match.b)

    def both(what: str, values: tuple[str, str]) -> tuple[str, str, str]:
        return what, values[0], values[1]

    rows = [
        both("makes its contracts", (_rate(sides[0]), _rate(sides[1]))),
        both("contracts that only it made", (f"{sides[0].only:,}", f"{sides[1].only:,}")),
        both("points a contract, banked when decided", (f"{sides[0].points:.2f}", f"{sides[1].points:.2f}")),
        both("seconds a decision", (f"{sides[0].seconds_a_decision:.2g}", f"{sides[1].seconds_a_decision:.2g}")),
    ]
    if sides[0].forfeits or sides[1].forfeits:
        rows.append(both("contracts forfeited", (f"{sides[0].forfeits:,}", f"{sides[1].forfeits:,}")))
    low, high = match.marks_interval
    rows += [
        ("marks a contract, won by A of B", f"{match.marks:+.3f}", f"{low:+.3f} to {high:+.3f}"),
        ("McNemar", f"p = {match.p:.2g}", f"z = {match.z:+.2f}"),
    ]
    return rows


def match_view(match: MatchResult) -> RenderableType:
    """A match in the terminal: the table and the sentence."""
    table = Table(title=f"{match.pairs:,} deals, each played twice", title_justify="left")
    table.add_column("")
    table.add_column(f"A: {match.a.name}", justify="right", overflow="fold")
    table.add_column(f"B: {match.b.name}", justify="right", overflow="fold")
    for row in match_rows(match):
        table.add_row(*row)
    words = [Text(match.verdict, style="bold")]
    if match.sprt is not None:
        words.append(Text(f"Sequential test: {match.sprt}."))
    return Group(table, *words)


def matrix_rows(matrix: Matrix) -> list[tuple[str, ...]]:
    """Everyone against everyone, the best first: the player, its rating, z against each of them in the same order."""
    order = sorted(range(len(matrix.players)), key=lambda i: -matrix.ratings.elo[i])
    return [
        (
            f"{place}. {matrix.players[i]}",
            f"{matrix.ratings.elo[i]:+.0f} ± {matrix.ratings.half_width[i]:.0f}",
            *(_z(matrix, i, j) for j in order),
        )
        for place, i in enumerate(order, 1)
    ]


def matrix_columns(matrix: Matrix) -> list[str]:
    """The names of the columns of `matrix_rows`."""
    return ["player", "rating, Elo", *(f"z against {place}" for place in range(1, len(matrix.players) + 1))]


def games_rows(games: GamesResult) -> list[tuple[str, str]]:
    """(what, how much) of whole games."""
    low, high = games.interval
    return [
        (f"games won by A: {games.a}", f"{games.won_by_a:,}"),
        ("... share", f"{games.win_rate:.1%} ({low:.1%} to {high:.1%})"),
        (f"both games of a seed won by A, by B: {games.b}", f"{games.both:,}, {games.neither:,}"),
        ("marks a game, won by A of B", f"{games.marks:+.2f}"),
    ]


def contest_view(result: MatchResult | GamesResult | Matrix) -> RenderableType:
    """What was played, in the terminal."""
    if isinstance(result, MatchResult):
        return match_view(result)
    if isinstance(result, GamesResult):
        table = Table(title=_games_title(result), title_justify="left", show_header=False)
        rows: Sequence[Sequence[str]] = games_rows(result)
    else:
        table, rows = Table(), matrix_rows(result)
        for name in matrix_columns(result):
            table.add_column(name, justify="left" if name == "player" else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def contest_page(result: MatchResult | GamesResult | Matrix) -> str:
    """What was played, for a run's page."""
    from forge_view.pages import page
    from forge_view.pictures import picture

    if isinstance(result, MatchResult):
        columns = (f"{result.pairs:,} deals, each played twice", f"A: {result.a.name}", f"B: {result.b.name}")
        sprt = f"Sequential test: {result.sprt}." if result.sprt else ""
        return page("Who is better", match_rows(result), f"**{result.verdict}**", sprt, columns=columns)
    if isinstance(result, GamesResult):
        return page(_games_title(result), games_rows(result))
    plot = picture(lambda path: draw_ratings(path, result))
    return page("Who is better", matrix_rows(result), plot, columns=matrix_columns(result))


def _games_title(games: GamesResult) -> str:
    return f"{games.games:,} games to seven marks, mirrored"


def draw_ratings(path: Path, matrix: Matrix) -> None:
    """Draw the ratings with their intervals to a PNG file, the best at the top."""
    from matplotlib.figure import Figure

    order = sorted(range(len(matrix.players)), key=lambda i: matrix.ratings.elo[i])
    figure = Figure(figsize=(7, 1 + 0.45 * len(order)), layout="constrained")
    axes = figure.subplots()
    elo, half = matrix.ratings.elo[order], matrix.ratings.half_width[order]
    axes.errorbar(elo, range(len(order)), xerr=half, fmt="o", capsize=3)
    axes.set_yticks(range(len(order)), [matrix.players[i] for i in order])
    axes.set_xlabel("rating, Elo points from discordant contracts, with 95 % intervals")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)


def _rate(side: Side) -> str:
    return f"{side.make_rate:.1%} ({_percent(side.make_interval)})"


def _percent(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _z(matrix: Matrix, i: int, j: int) -> str:
    if i == j:
        return ""
    match = matrix.matches.get((i, j))
    return f"{match.z:+.1f}" if match is not None else f"{-matrix.matches[j, i].z:+.1f}"
