"""Commands about E[Q]: what each play is worth to a seat that sees its own hand and the plays so far."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.group import ForgeGroup
from flows.cli.options import Sets, build
from flows.cli.running import run_flow, say

app = typer.Typer(cls=ForgeGroup, help="E[Q] games.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Play E[Q] games and look at them."""


@app.command()
def generate(
    start_seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    count: Annotated[int, typer.Option(help="How many seeds.")] = 10,
    output: Annotated[Path | None, typer.Option(help="A folder that gets the games, besides the store.")] = None,
    oracle: Annotated[str, typer.Option(help="exact, or a model folder or .onnx file.")] = "exact",
    n_worlds: Annotated[int | None, typer.Option(help="Worlds drawn for a decision.")] = None,
    sets: Sets = None,
) -> None:
    """Play games; write them to {train,val,test}/seed_*.pt."""
    from configs.pipeline import SeedRange
    from forge_core.expected_q.settings import EqSettings

    games = build(SeedRange, {"start": start_seed, "count": count})
    settings = build(EqSettings, {"n_worlds": n_worlds}, sets)
    model = None if oracle == "exact" else Path(oracle).absolute()
    folder = None if output is None else output.absolute()
    run_flow("generate_eq:generate_eq", games=games, settings=settings, model=model, output=folder)
    say(f"{count} games in {output or 'the store'}")
