"""The charts and the table of docs/bidding.md: `python bench/bidding_charts.py TABLE.parquet`.

TABLE is what `forge bid collate` makes of a folder of bid matrices. Best-pip trump of each hand, all hands open.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from forge_core.bids.dataset import counts_of
from forge_core.bids.matrix import Method
from forge_core.players.trumps import best_pip
from forge_core.rules import is_double, pips

BIDS = (30, 34, 36, 42)
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "bidding-open.png"


def main() -> None:
    table = pl.read_parquet(sys.argv[1])
    chosen = [row == best_pip(hand) for row, hand in zip(table["declaration"], table["hand"].to_list(), strict=True)]
    mine = table.filter(pl.Series(chosen))
    counts = counts_of(mine, Method.OPEN)
    hands, trumps = mine["hand"].to_list(), mine["declaration"].to_list()
    held = np.array([sum(t in pips(d) for d in hand) for hand, t in zip(hands, trumps, strict=True)])
    doubles = np.array([sum(map(is_double, hand)) for hand in hands])
    made = {bid: counts[:, bid:].sum(axis=1) / counts.sum(axis=1) for bid in BIDS}
    print(
        f"{len(hands):,} hands, {int(counts[0].sum())} worlds each; lay-downs in every world: {(made[42] == 1).sum()}"
    )
    figure = Figure(figsize=(9, 3.6))
    for place, (name, shape) in enumerate((("trumps held", held), ("doubles held", doubles)), 1):
        axes = figure.add_subplot(1, 2, place)
        values = [int(v) for v in np.unique(shape) if (shape == v).sum() >= 10]
        print(f"| {name} | hands | " + " | ".join(f"P({bid})" for bid in BIDS) + " |")
        for value in values:
            cells = " | ".join(f"{made[bid][shape == value].mean():.0%}" for bid in BIDS)
            print(f"| {value} | {(shape == value).sum()} | {cells} |")
        for bid in BIDS:
            axes.plot(values, [made[bid][shape == v].mean() for v in values], marker="o", label=f"bid {bid}")
        axes.set(xlabel=name, ylabel="P(make), all hands open", ylim=(0, 1))
        axes.legend()
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=100)


if __name__ == "__main__":
    main()
