"""One page about a hand: its dominoes, heat maps, points, what to bid. The same drawing as PDF, PNG or HTML."""

from collections.abc import Sequence
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.transforms import Bbox

from forge_core.bids.advice import BidAdvice, Stakes
from forge_core.bids.histogram import BINS
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.errors import InputError
from forge_core.files import replacing
from forge_core.rules import BIDS, Bid, declaration_name, hand_name, pips
from forge_view.bids import TITLES, advice_lines, heat_colour, ink, interval, short_name

KINDS = (".html", ".pdf", ".png")
_PAGE = (8.27, 11.69)  # A4, inches
_LEFT, _RIGHT, _WORDS = 0.13, 0.95, 0.27  # margins, and where the words begin, as shares of the page
_THIRDS = (0.22, 0.5, 0.78)
_PIPS = {
    0: (),
    1: ((1, 1),),
    2: ((0, 2), (2, 0)),
    3: ((0, 2), (1, 1), (2, 0)),
    4: ((0, 0), (0, 2), (2, 0), (2, 2)),
    5: ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2)),
    6: ((0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2)),
}
"""Where the pips of a half lie on its grid of three by three."""
_COLOURS = {Method.OPEN: "#7f8c8d", Method.PLAY: "#2471a3"}


def check_kind(path: Path) -> None:
    """InputError unless the file's name ends in .html, .pdf or .png."""
    if path.suffix not in KINDS:
        raise InputError.of(
            got=f"a poster {path.name!r}", expected="a name that ends in " + ", ".join(KINDS), remedy="rename it"
        )


def write_poster(path: Path, matrix: BidMatrix, advice: BidAdvice, stakes: Stakes, lead: int | None) -> None:
    """Write the poster, atomically, in the format that the file's name says. InputError for another one."""
    check_kind(path)
    figure = _drawing(matrix, advice)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        if path.suffix == ".html":
            temporary.write_text(_html(figure, matrix, advice, stakes, lead), encoding="utf-8")
        else:
            _draw_words(figure, matrix, advice_lines(advice, stakes, lead))
            figure.savefig(temporary, format=path.suffix[1:], dpi=150)


def _drawing(matrix: BidMatrix, advice: BidAdvice) -> Figure:
    """The upper part of an A4 page: dominoes, heat maps, points. Words go below it."""
    figure = Figure(figsize=_PAGE)
    n_maps = len(matrix.counts)
    heights = [0.8, *[0.55 + 0.26 * len(matrix.declarations)] * n_maps, 2.0]
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.36, left=_LEFT, right=_RIGHT, top=0.93, bottom=_WORDS + 0.03
    )
    figure.suptitle(f"What to bid with {hand_name(matrix.hand)}", fontsize=15, y=0.975)
    _draw_hand(figure.add_subplot(grid[0]), matrix.hand)
    for row, method in enumerate(matrix.counts, 1):
        _draw_heat_map(figure.add_subplot(grid[row]), matrix, method)
    contract = advice.call or advice.at_30
    _draw_points(figure.add_subplot(grid[n_maps + 1]), matrix, contract.declaration, contract.bid)
    return figure


def _draw_hand(axes: Axes, hand: tuple[int, ...]) -> None:
    for place, domino in enumerate(hand):
        _draw_domino(axes, 2.45 * place, domino)
    axes.set(xlim=(-0.2, 2.45 * len(hand) - 0.25), ylim=(-0.15, 1.15), aspect="equal")
    axes.axis("off")


def _draw_domino(axes: Axes, x: float, domino: int) -> None:
    """A domino of 2 by 1, its high half to the left."""
    box = FancyBboxPatch((x + 0.06, 0.06), 1.88, 0.88, boxstyle="round,pad=0.06", fc="#fdfaf2", ec="#2c3e50", lw=1.2)
    axes.add_patch(box)
    axes.plot([x + 1, x + 1], [0.12, 0.88], color="#2c3e50", lw=1)
    for half, number in enumerate(pips(domino)):
        for column, row in _PIPS[number]:
            axes.add_patch(Circle((x + half + _THIRDS[column], _THIRDS[row]), 0.085, color="#2c3e50"))


def _draw_heat_map(axes: Axes, matrix: BidMatrix, method: Method) -> None:
    chances = np.array([[matrix.chance(method, each, bid).p for bid in BIDS] for each in matrix.declarations])
    colours = np.array([[_rgb(heat_colour(p)) for p in row] for row in chances])
    axes.imshow(colours, aspect="auto")
    for (row, column), p in np.ndenumerate(chances):
        axes.text(column, row, f"{100 * p:.0f}", ha="center", va="center", fontsize=7, color=ink(float(p)))
    axes.set_xticks(range(len(BIDS)), [short_name(bid) for bid in BIDS], fontsize=7)
    axes.set_yticks(range(len(matrix.declarations)), [declaration_name(d) for d in matrix.declarations], fontsize=7)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=1)
    n = int(matrix.counts[method][0].sum())
    axes.set_title(f"P(make) in %, {TITLES[method]} ({n:,} worlds)", fontsize=9, loc="left", pad=12)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _draw_points(axes: Axes, matrix: BidMatrix, declaration: int, bid: Bid) -> None:
    width = 0.8 / len(matrix.counts)
    for number, (method, rows) in enumerate(matrix.counts.items()):
        shares = 100 * rows[matrix.declarations.index(declaration)] / rows[0].sum()
        axes.bar(np.arange(BINS) + width * (number - 0.5 * (len(matrix.counts) - 1)), shares, width, label=method.value,
                 color=_COLOURS[method])  # fmt: skip
    axes.axvline(bid.points - 0.5, color="#c0392b", lw=1, ls="--", label=f"bid {bid}")
    axes.set_title(f"Final points with {declaration_name(declaration)}, % of the worlds", fontsize=9, loc="left")
    axes.set_xlim(-1, BINS)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7, loc="upper left")


def _draw_words(figure: Figure, matrix: BidMatrix, lines: Sequence[str]) -> None:
    """The best bids as a table, and what to call, in the lower part of the page."""
    axes = figure.add_axes((_LEFT, 0.02, _RIGHT - _LEFT, _WORDS - 0.03))
    axes.axis("off")
    bids = [bid for bid in BIDS if bid.points in (30, 32, 34, 36, 38, 40, 42)]
    cells = [_best_row(matrix, bid) for bid in bids]
    table = axes.table(
        cells,
        colLabels=_best_head(matrix),
        cellLoc="center",
        edges="horizontal",
        bbox=Bbox.from_bounds(0, 0.4, 1, 0.6),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(7)
    for cell in table.get_celld().values():
        cell.set(edgecolor="#bbbbbb", linewidth=0.6)
    axes.text(0, 0.34, "\n".join(lines), fontsize=7, va="top", transform=axes.transAxes, linespacing=1.45)


def _best_head(matrix: BidMatrix) -> list[str]:
    return ["bid", *(word for method in matrix.counts for word in (f"best, {method}", "P(make), 95 %"))]


def _best_row(matrix: BidMatrix, bid: Bid) -> list[str]:
    best = {method: matrix.best(method, bid) for method in matrix.counts}
    cells = ((declaration_name(d), interval(matrix.chance(method, d, bid))) for method, d in best.items())
    return [str(bid), *(word for pair in cells for word in pair)]


_STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;color:#222;background:#fff}
svg{width:100%;height:auto}table{border-collapse:collapse}td,th{padding:.2rem .7rem;border:1px solid #ccc}"""


def _html(figure: Figure, matrix: BidMatrix, advice: BidAdvice, stakes: Stakes, lead: int | None) -> str:
    """The drawing as SVG, and words and numbers as text, which can be searched, copied and heard."""
    title = f"What to bid with {hand_name(matrix.hand)}"
    rows: list[list[Any]] = [_best_row(matrix, bid) for bid in BIDS]
    head = "".join(f"<th>{escape(word)}</th>" for word in _best_head(matrix))
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>" for row in rows)
    words = "".join(f"<li>{escape(line)}</li>" for line in advice_lines(advice, stakes, lead))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main role='main'>{_svg(figure, title)}"
        f"<h2>Every bid</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<h2>What to call</h2><ul>{words}</ul></main></body></html>\n"
    )


def _svg(figure: Figure, title: str) -> str:
    out = StringIO()
    width, height = _PAGE
    figure.savefig(out, format="svg", bbox_inches=Bbox.from_bounds(0, _WORDS * height, width, (1 - _WORDS) * height))
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
