"""The command that fills a range of seeds."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli import inputs
from flows.cli.options import BACKFILL, ORACLES, Json, Sets, build, setting
from flows.cli.results import show_json, show_rows
from flows.cli.running import run_flow


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(backfill)


def backfill(
    end: Annotated[int, setting(BACKFILL, "end")],
    start: Annotated[int, setting(BACKFILL, "start")] = 0,
    make: Annotated[Literal["shards", "tables", "games", "bids"], setting(BACKFILL, "make")] = "shards",
    output: Annotated[
        Path | None, typer.Option(help="The folder to fill; if not given, data/ and what is made, in FORGE_HOME.")
    ] = None,
    limit: Annotated[int | None, setting(BACKFILL, "limit")] = None,
    block: Annotated[int | None, setting(BACKFILL, "block")] = None,
    where: Annotated[Literal["here", "cpu", "gpu"], setting(BACKFILL, "where")] = "here",
    at_once: Annotated[int | None, setting(BACKFILL, "at_once")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where deals are solved.")] = "auto",
    oracle: Annotated[str, typer.Option(help=f"For games: {ORACLES}")] = "exact",
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Fill a range of seeds by blocks that are tried again when they fail; killed, it goes on where it was."""
    from configs.operation import Backfill
    from forge_core.bids.settings import BidSettings
    from forge_core.expected_q.settings import EqSettings
    from forge_core.shards.settings import ShardSettings

    asked = {"make": make, "start": start, "end": end, "limit": limit, "folder": inputs.output(output), "block": block}
    seeds = build(Backfill, asked | {"where": where, "at_once": at_once})
    model, of_oracle = inputs.oracle(oracle)
    report = run_flow(
        "backfill:backfill",
        seeds=seeds,
        shards=build(ShardSettings, {}, sets if make in ("shards", "tables") else None),
        device=device,
        games=build(EqSettings, of_oracle, sets if make == "games" else None),
        model=model,
        bids=build(BidSettings, {}, sets if make == "bids" else None),
    ).value
    if as_json:
        show_json(report)
        return
    show_rows(f"Seeds {start:,} to {end - 1:,}, {make}", report.rows)
