"""The command that solves deals and writes shards."""

from typing import Annotated, Any, Literal

import typer

from flows.cli.filling import Filling, fill, filling_options
from flows.cli.modal_options import modal_options
from flows.cli.options import DEALS, SHARDS, Json, Sets, build, setting


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(modal_options(filling_options(generate)))


def generate(
    asked: Filling,
    mode: Annotated[str, setting(DEALS, "mode")] = "standard",
    opponent_seeds: Annotated[int, setting(DEALS, "opponent_seeds")] = 3,
    keep: Annotated[str | None, setting(SHARDS, "keep")] = None,
    states_per_deal: Annotated[int | None, setting(SHARDS, "states_per_deal")] = None,
    strategy: Annotated[str | None, setting(SHARDS, "strategy")] = None,
    max_states: Annotated[int | None, setting(SHARDS, "max_states")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where deals are solved.")] = "auto",
    sets: Sets = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Solve deals exactly; write shards to {train,val,test}/*.parquet."""
    from configs.pipeline import DealSeries
    from flows.fillers import ShardFiller
    from forge_core.shards.settings import ShardSettings

    kept = {"keep": keep, "states_per_deal": states_per_deal, "strategy": strategy, "max_states": max_states}
    settings = build(ShardSettings, kept, sets)
    series = build(DealSeries, asked.seeds | {"mode": mode, "opponent_seeds": opponent_seeds})
    filler = ShardFiller.of(series, settings, device)
    fill(filler, series, asked, as_json=as_json, deals=series, shards=settings, device=device, on=on)
