"""The command that runs the whole chain."""

from typing import Annotated, Any

import typer

from flows.cli.modal_options import modal_options
from flows.cli.options import Json, Sets, build
from flows.cli.results import pipeline_json, show_json, show_pipeline
from flows.cli.running import run_flow


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(modal_options(pipeline))


def pipeline(
    preset: Annotated[str, typer.Option(help="The settings to start from: demo or local.")] = "demo",
    sets: Sets = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Solve, tokenize, train, evaluate, export and play, in one run."""
    from configs.pipeline import PipelineSettings, load_preset

    settings = build(PipelineSettings, load_preset(preset).model_dump(mode="json", exclude_unset=True), sets)
    outcome = run_flow("stages:pipeline", settings=settings, on=on)
    if as_json:
        show_json(pipeline_json(outcome.value))
    else:
        show_pipeline(outcome)
