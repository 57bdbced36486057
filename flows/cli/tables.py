"""Tables on stdout."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from flows.cli.running import Outcome
    from forge_core.artifacts.reference import Reference


def show_rows(title: str, rows: Sequence[tuple[str, ...]], columns: Sequence[str] = ("", "")) -> None:
    """A table of text; numbers stand to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=any(columns))
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place and any(columns) else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def show_metrics(title: str, evaluation: "Reference") -> None:
    """An evaluation: the model, random play and the untrained network side by side."""
    from tasks.report import metric_rows

    show_rows(title, metric_rows(evaluation), ("", "model", "random play", "untrained"))


def show_pipeline(outcome: "Outcome") -> None:
    """What the pipeline made, where it lies, and the commands that open its pages."""
    from flows.cli.running import program
    from tasks import tracking
    from tasks.report import PipelineResult, pipeline_rows, place_rows

    result: PipelineResult = outcome.value
    show_rows("What was made", pipeline_rows(result))
    show_metrics("Test split (points, mover's view)", result.evaluation)
    typer.echo("Where it lies:")
    for name, place in place_rows(result.references):
        typer.echo(f"  {name:24} {place}")
    commands = [f"{program()} ui prefect --run {outcome.run}"]
    if (run := tracking.recall(result.model)) is not None:
        commands.append(f"{program()} ui mlflow --run {run.experiment}/{run.run}")
    typer.echo("\n".join(["Open this run's pages:", *(f"  {command}" for command in commands)]))
    counts = result.tally
    if counts.made:
        made = f"{counts.made} artifacts were made in {counts.seconds:.0f} s"
        typer.echo(f"{made}, {counts.cached} were in the store.")
    else:
        typer.echo(f"All {counts.cached} artifacts were in the store; nothing had to be made again.")
