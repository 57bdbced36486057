"""Tables, and the same as JSON, on stdout."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from flows.cli.running import Outcome
    from flows.report import PipelineResult
    from tasks.evaluation import Evaluated


def show_json(value: Any) -> None:
    """What a table would show, for programs: dataclasses, models, paths and enums as plain JSON, on one line."""
    import json

    from pydantic_core import to_jsonable_python

    typer.echo(json.dumps(to_jsonable_python(value)))


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


def show_evaluation(title: str, evaluated: "Evaluated") -> None:
    """An evaluation: a table for each kind of states, a column for each player; 80 characters hold four of them."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from flows.evaluation_report import metric_rows, players

    Console(highlight=False).print(title)
    for states in evaluated.model:
        everybody = players(evaluated, states)
        overall = everybody["model"]
        heading = f"{states}: {overall.overall.samples:,} states of {overall.deals:,} deals"
        table = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for place, name in enumerate(("", *everybody)):
            table.add_column(name, justify="right" if place else "left", overflow="fold")
        for row in metric_rows(evaluated, states):
            table.add_row(*row)
        Console(highlight=False).print(table)
    if evaluated.champion_name is not None:
        Console(highlight=False).print(f"champion: {evaluated.champion_name}")


def evaluation_json(evaluated: "Evaluated") -> dict[str, Any]:
    """Kind of states -> player -> its metrics."""
    from flows.evaluation_report import players

    return {
        states: {who: metrics.model_dump(exclude={"by_deal"}) for who, metrics in players(evaluated, states).items()}
        for states in evaluated.model
    }


def show_parts(evaluated: "Evaluated") -> None:
    """An evaluation by plays left and by declaration, and how the model's choices among ties fall on the slots."""
    from flows.evaluation_report import part_rows, players, slot_rows

    for states in evaluated.model:
        show_rows(f"q_gap, {states} states", part_rows(evaluated, states), ("", *players(evaluated, states)))
        title = f"Choices among several best plays, {states} states"
        show_rows(title, slot_rows(evaluated, states), ("", "chosen", "expected"))


def pipeline_json(result: "PipelineResult") -> dict[str, Any]:
    """What the pipeline made, for programs."""
    from flows.report import read_export
    from tasks.run import store

    return {
        "objects": {each.short: str(store().path(each)) for each in result.references},
        "evaluation": evaluation_json(result.evaluation),
        "onnx": read_export(result.onnx),
        "match": result.match.as_json(),
        "tally": result.tally,
    }


def show_pipeline(outcome: "Outcome") -> None:
    """What the pipeline made, where it lies, and the commands that open its pages."""
    from rich.console import Console

    from flows.cli.running import program
    from flows.report import pipeline_rows, place_rows
    from forge_view.arena import contest_view
    from tasks import tracking

    result: PipelineResult = outcome.value
    show_rows("What was made", pipeline_rows(result))
    show_evaluation("Test split, points in the mover's view, ± half a 95 % interval over deals", result.evaluation)
    Console(highlight=False).print(contest_view(result.match))
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
