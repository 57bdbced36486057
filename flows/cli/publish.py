"""The command that lays data out for others."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.errors import ForgeGroup
from flows.cli.options import Json
from flows.cli.results import show_rows
from flows.cli.running import say
from forge_core.publish.kind import Kind

app = typer.Typer(cls=ForgeGroup, help="Data for others.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def data(
    path: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="What the forge wrote.")],
    kind: Annotated[Kind, typer.Option(help="What it holds.")],
    output: Annotated[Path, typer.Option(help="The folder to write; it must not be there yet.")],
    title: Annotated[str | None, typer.Option(help="What the data set is called.")] = None,
    licence: Annotated[str, typer.Option("--license", help="By its SPDX identifier, such as cc-by-4.0.")] = "mit",
    url: Annotated[
        str, typer.Option(help="Where it will be found, for croissant.json.")
    ] = "https://huggingface.co/datasets",
    as_json: Json = False,
) -> None:
    """Lay a folder out as a data set: Parquet by split, a README card, a Croissant file, SHA-256 sums."""
    from forge_core.publish.folder import About, publish

    published = publish(path, kind, output, About(title, licence, url))
    counts = {split.value: count._asdict() for split, count in published.splits.items()}
    if as_json:
        columns = {field.name: str(field.type) for field in published.schema}
        typer.echo(json.dumps({"title": published.title, "splits": counts, "columns": columns}))
    else:
        rows = [(split, *(f"{each:,}" for each in count.values())) for split, count in counts.items()]
        show_rows(published.title, rows, ("split", "rows", "seeds", "bytes"))
    say(f"{output}")
