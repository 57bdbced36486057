"""Commands about shards."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.errors import ForgeGroup
from flows.cli.options import Json
from flows.cli.results import show_json

app = typer.Typer(cls=ForgeGroup, help="Shards.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def show(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A shard.")],
    states: Annotated[int, typer.Option(min=0, help="How many of its states to draw.")] = 3,
    as_json: Json = False,
) -> None:
    """Show a shard's metadata, how its values and depths are spread, and some states."""
    if as_json:
        from forge_core.shards.read import read_metadata

        show_json(read_metadata(path))
        return
    from rich.console import Console

    from forge_view.shard_terminal import describe

    Console(highlight=False).print(describe(path, n_states=states))
