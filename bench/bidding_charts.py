"""The charts and the tables of docs/bidding.md: `python bench/bidding_charts.py TABLE.parquet [CALIBRATION]`.

TABLE is what `forge bid collate` makes of a folder of bid matrices. Best-pip trump of each hand, all hands open.
CALIBRATION is the folder that `python bench/bids.py --record` keeps: hands priced by both methods, and played.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bids import bins_of, error_of
from matplotlib.figure import Figure

from forge_core.bids.dataset import counts_of
from forge_core.bids.matrix import Method
from forge_core.intervals import wilson
from forge_core.players.trumps import best_pip
from forge_core.rules import is_double, pips

BIDS = (30, 34, 36, 42)
FEWEST = 10
"""Hands of a shape that is shown."""
IMAGES = Path(__file__).parents[1] / "docs" / "images"

Counts = np.ndarray[Any, Any]
"""int64[hands, 43]: how often a hand's team won 0 .. 42 points."""


def shapes_of(hands: list[list[int]], trumps: list[int]) -> dict[str, Counts]:
    """By name, a whole number for each hand."""
    pairs = list(zip(hands, trumps, strict=True))
    return {
        "trumps held": np.array([sum(t in pips(d) for d in hand) for hand, t in pairs]),
        "doubles held": np.array([sum(map(is_double, hand)) for hand, _ in pairs]),
        "offs": np.array([sum(t not in pips(d) and not is_double(d) for d in hand) for hand, t in pairs]),
    }


def shares(counts: Counts, bid: int) -> Counts:
    """The chance to make a bid, per hand."""
    return counts[:, bid:].sum(axis=1) / counts.sum(axis=1)


def by_shape(shapes: dict[str, Counts], lines: dict[str, Counts], ylabel: str, picture: Path) -> None:
    """Print a table of each shape, and draw them side by side: the mean of each line's chances."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    for place, (name, shape) in enumerate(shapes.items(), 1):
        axes = figure.add_subplot(1, len(shapes), place)
        values = [int(v) for v in np.unique(shape) if (shape == v).sum() >= FEWEST]
        print(f"\n| {name} | hands | " + " | ".join(lines) + " |\n|" + "---|" * (len(lines) + 2))
        for value in values:
            cells = " | ".join(f"{line[shape == value].mean():.0%}" for line in lines.values())
            print(f"| {value} | {(shape == value).sum():,} | {cells} |")
        for label, line in lines.items():
            axes.plot(values, [line[shape == v].mean() for v in values], marker="o", label=label)
        axes.set(xlabel=name, ylim=(0, 1), xticks=values)
    figure.axes[0].set_ylabel(ylabel)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(lines))
    figure.savefig(picture, dpi=100)


def open_hands(path: str) -> None:
    table = pl.read_parquet(path)
    chosen = [row == best_pip(hand) for row, hand in zip(table["declaration"], table["hand"].to_list(), strict=True)]
    mine = table.filter(pl.Series(chosen))
    counts = counts_of(mine, Method.OPEN)
    made = {f"P({bid})": shares(counts, bid) for bid in BIDS}
    every = int((made["P(42)"] == 1).sum())
    print(f"{len(mine):,} hands, {int(counts[0].sum())} worlds each; every trick in every world: {every:,}")
    shapes = shapes_of(mine["hand"].to_list(), mine["declaration"].to_list())
    by_shape(shapes, made, "P(make), all hands open", IMAGES / "bidding-open.png")


def both_methods(folder: str) -> None:
    blocks = [np.load(path) for path in sorted(Path(folder).glob("*.npz"))]
    opened, played = (np.concatenate([block[name] for block in blocks]) for name in ("open", "play"))
    hands, trumps, made = (np.concatenate([block[name] for block in blocks]) for name in ("hands", "trumps", "made"))
    print(f"\n{len(hands):,} hands, {int(opened[0].sum())} worlds each")
    lines = {
        f"{name} {bid}": shares(counts, bid)
        for bid in (30, 42)
        for name, counts in (("open", opened), ("play", played))
    }
    lines["made at 30"] = made.astype(float)
    by_shape(shapes_of(hands.tolist(), trumps.tolist()), lines, "P(make)", IMAGES / "bidding-play.png")
    bins_drawn({"open": shares(opened, 30), "play": shares(played, 30)}, made.astype(float))
    gap = shares(opened, 30) - shares(played, 30)
    print(
        f"\nopen less play at 30: {100 * gap.mean():.1f} points, {100 * gap.std() / len(gap) ** 0.5:.1f} standard error"
    )
    told_and_made(shares(played, 30), made.astype(float), int(played[0].sum()))


def bins_drawn(told: dict[str, Counts], made: Counts) -> None:
    """Print and draw the ten bins of each method: the mean chance told, the share made with its 95 % interval."""
    axes = (figure := Figure(figsize=(5, 4.6), layout="constrained")).add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for name, chances in told.items():
        rows = np.array(bins_of(chances, made))
        print(
            f"\n{name}: mean absolute error {error_of(rows.tolist()):.3f}\n| contracts | told | made |\n|---|---|---|"
        )
        for n, mean, share in rows:
            print(f"| {n:,.0f} | {mean:.1%} | {share:.1%} |")
        ends = np.array([wilson(round(n * share), int(n)) for n, _, share in rows])
        bars = np.abs(ends.T - rows[:, 2])
        axes.errorbar(rows[:, 1], rows[:, 2], bars, marker="o", markersize=4, linewidth=1, capsize=2, label=name)
    axes.set(xlabel="P(make 30) told", ylabel="share made", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend()
    figure.savefig(IMAGES / "bidding-calibration.png", dpi=100)


def told_and_made(told: Counts, made: Counts, n: int) -> None:
    """Whether chances of n playouts are right on average, the slope of made on told, and what noise alone gives."""
    z = (made - told).sum() / np.sqrt((told * (1 - told)).sum())
    print(f"told {told.mean():.3f}, made {made.mean():.3f}, z = {z:.2f}")
    slope = np.cov(told, made)[0, 1] / told.var(ddof=1)
    rest = made - made.mean() - slope * (told - told.mean())
    true_slope = 1 - (told * (1 - told)).mean() / (n - 1) / told.var()
    print(
        f"slope {slope:.2f}, standard error {rest.std() / told.std() / len(told) ** 0.5:.2f}; {true_slope:.2f} by noise"
    )
    rng, found = np.random.default_rng(0), error_of(bins_of(told, made))
    true = told.mean() + true_slope**0.5 * (told - told.mean())
    alone = [error_of(bins_of(rng.binomial(n, true) / n, rng.random(len(true)) < true)) for _ in range(2000)]
    print(
        f"error {found:.3f}; noise alone {np.mean(alone):.3f}, and as much in {np.mean(np.array(alone) >= found):.0%}"
    )


def main() -> None:
    open_hands(sys.argv[1])
    if len(sys.argv) > 2:
        both_methods(sys.argv[2])


if __name__ == "__main__":
    main()
