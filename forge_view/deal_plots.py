"""The deals of a run at a glance: how large they are, and what each declaration is worth."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from forge_core.errors import InputError
from forge_core.rules import Declaration, declaration_name
from forge_core.shards.schema import ShardMetadata
from forge_view.figures import save


def draw_deals(path: Path, deals: Sequence[ShardMetadata]) -> None:
    """Draw the states of each deal's game tree and the opening values by declaration, as a PNG.

    Raises InputError when there is no deal.
    """
    if not deals:
        raise InputError.of(got="no deals to draw", expected="at least one", remedy="generate shards first")
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    sizes, values = figure.subplots(1, 2)
    sizes.hist([deal.reachable_states / 1e6 for deal in deals], bins=40)
    sizes.set(title=f"{len(deals)} deals", xlabel="states of the game tree (millions)", ylabel="deals")
    called = sorted({deal.declaration for deal in deals})
    worth = [[deal.opening_value for deal in deals if deal.declaration == declaration] for declaration in called]
    names = [declaration_name(Declaration(declaration)) for declaration in called]
    values.boxplot(worth, tick_labels=names, medianprops={"color": "C1"})
    values.set(title="V of the opening, by declaration", ylabel="points", ylim=(-44, 44))
    values.tick_params(axis="x", labelrotation=45)
    values.grid(axis="y", alpha=0.3)
    save(figure, path)
