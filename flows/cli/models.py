"""Commands about trained models."""

from typing import Annotated, Literal

import typer

from flows.cli.options import Checkpoint, Data, absolute
from flows.cli.running import run_flow
from flows.cli.tables import show_metrics


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(evaluate)


def evaluate(
    checkpoint: Checkpoint,
    data: Data = None,
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="val to choose by, test to report.")] = "test",
) -> None:
    """Measure a model beside random play and the untrained network."""
    from forge_core.shards.split import Split

    outcome = run_flow("evaluate:evaluate", model=checkpoint.absolute(), tokens=absolute(data), split=Split(split))
    show_metrics(f"{split} split", outcome.value)
