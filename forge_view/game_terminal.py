"""A decision in the terminal, as rich renderables; whoever steps through the game prints them."""

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from forge_core.expected_q.advise import Advice
from forge_core.expected_q.games import Game
from forge_core.rules import SEATS, declaration_name, domino_name
from forge_view.game_frames import Frame, Option, ShownTrick, player_of

_BAR = 42  # columns of a bar: one for two points of the range -42 .. 42
_SCALE = "-42" + "0".center(_BAR - 6) + "+42"
_SEAT_STYLES = ("cyan", "magenta", "green", "yellow")


def decision_view(game: Game, frame: Frame) -> RenderableType:
    """Everything about one decision of a game: hands, trick, history, E[Q] with its uncertainty, voids, worlds."""
    return Group(
        _headline(game, frame),
        Columns([_hands(frame), _history(frame)], padding=(0, 2)),
        _options(frame),
        _footer(frame),
    )


def advice_view(advice: Advice) -> RenderableType:
    """What each legal play is worth to the seat that asks, the best first, and how many worlds say so."""
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("play", "E[Q]", "± SEM", "P(make)", "best in"):
        table.add_column(name, justify="right")
    table.add_column(_SCALE)
    for play in advice.plays:
        table.add_row(
            domino_name(play.domino),
            f"{play.mean:+.2f}",
            f"{play.sem:.2f}",
            "" if play.p_make is None else f"{play.p_make:.0%}",
            f"{play.best_share:.0%}",
            _bar(play.mean, play.variance**0.5),
        )
    return Group(_worlds(advice.worlds, advice.used, exact=advice.exact), table)


def _headline(game: Game, frame: Frame) -> Text:
    bid = "" if game.settings.bid is None else f" · bid {game.settings.bid}"
    text = Text(f"seed {game.seed} · {declaration_name(game.declaration)}{bid} · play {frame.play + 1} of 28 · ")
    text.append(f"seat {frame.mover} to play", style=f"bold {_SEAT_STYLES[frame.mover]}")
    text.append(f" · points won: seats 0, 2 {frame.score[0]}, seats 1, 3 {frame.score[1]}")
    return text


def _hands(frame: Frame) -> Panel:
    grid = _grid()
    for seat in SEATS:
        style = _SEAT_STYLES[seat] + (" bold" if seat == frame.mover else "")
        void = f"no {', '.join(frame.voids[seat])}" if frame.voids[seat] else ""
        grid.add_row(Text(f"seat {seat}", style), Text(" ".join(frame.hands[seat]), style), Text(void, "dim italic"))
    return Panel(grid, title="hands and known voids", title_align="left")


def _history(frame: Frame) -> Panel:
    grid = _grid()
    for number, trick in enumerate(frame.tricks, 1):
        grid.add_row(
            f"{number}.", _trick(trick), "" if trick.winner is None else f"seat {trick.winner} +{trick.points}"
        )
    if not frame.tricks:
        grid.add_row("nothing yet")
    return Panel(grid, title="tricks", title_align="left")


def _grid() -> Table:
    grid = Table.grid(padding=(0, 1))
    for _ in range(3):
        grid.add_column(no_wrap=True)
    return grid


def _trick(trick: ShownTrick) -> Text:
    text = Text()
    for place, domino in enumerate(trick.dominoes):
        seat = player_of(trick, place)
        text.append(domino, style=_SEAT_STYLES[seat] + (" bold underline" if seat == trick.winner else ""))
        text.append(" ")
    return text


def _options(frame: Frame) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("", "play", "E[Q]", "± SEM", "std"):
        table.add_column(name, justify="right")
    table.add_column(_SCALE)
    with_bid = any(option.p_make is not None for option in frame.options)
    if with_bid:
        table.add_column("P(make)", justify="right")
    for option in sorted(frame.options, key=lambda option: -100 if option.mean is None else option.mean, reverse=True):
        if option.mean is not None:
            table.add_row(*_option_cells(option, with_bid=with_bid), style="bold" if option.chosen else "")
    return table


def _option_cells(option: Option, *, with_bid: bool) -> list[RenderableType]:
    mean, sem, spread = (0.0 if x is None else x for x in (option.mean, option.sem, option.spread))
    error = "∞" if option.sem is None else f"{sem:.2f}"
    cells: list[RenderableType] = ["▶" if option.chosen else "", option.domino, f"{mean:+.2f}", error, f"{spread:.1f}"]
    cells.append(_bar(mean, spread))
    if with_bid:
        cells.append("" if option.p_make is None else f"{option.p_make:.0%}")
    return cells


def _bar(mean: float, spread: float) -> Text:
    """A bar from zero to the mean, and one standard deviation of Q to either side of it."""

    def column(points: float) -> int:
        return min(_BAR - 1, max(0, round((points + 42) / 84 * (_BAR - 1))))

    zero, at = column(0), column(mean)
    low, high = column(mean - spread), column(mean + spread)
    text = Text()
    for place in range(_BAR):
        if place == at:
            text.append("┃", style="bold")
        elif min(zero, at) <= place <= max(zero, at):
            text.append("█", style="green" if mean >= 0 else "red")
        elif low <= place <= high:
            text.append("─", style="dim")
        else:
            text.append("·" if place == zero else " ", style="dim")
    return text


def _worlds(worlds: int, used: int, *, exact: bool) -> Text:
    return Text(f"all {worlds:,} worlds, exact" if exact else f"{used:,} of {worlds:,} worlds")


def _footer(frame: Frame) -> Text:
    worlds = (
        f"all {frame.n_worlds:,} worlds, exact" if frame.exact else f"{frame.n_samples:,} of {frame.n_worlds:,} worlds"
    )
    text = Text(f"{worlds} · ESS {frame.ess:,.1f}")
    if frame.low_ess:
        text.append(" (low: uniform weight mixed in)", style="red")
    text.append("" if frame.converged else " · not converged", style="yellow")
    text.append(f" · {frame.mode}, {frame.q_gap:.2f} points given up · {frame.outcome:+d} points followed")
    return text
