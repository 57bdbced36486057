"""Commands that run one stage as a Prefect flow."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.elsewhere import elsewhere
from flows.cli.inputs import model, shards, tokens
from flows.cli.inputs import output as folder
from flows.cli.options import Data, Json, Model, Output, Sets, build
from flows.cli.running import run_flow, say
from flows.cli.tables import show_json, show_rows


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(tokenize)
    app.command()(elsewhere(export))


def tokenize(
    inputs: Annotated[list[Path], typer.Option("--input", exists=True, help="A folder of shards; may be repeated.")],
    output: Output = None,
    samples_per_shard: Annotated[int | None, typer.Option(help="Samples of a shard at most.")] = None,
    sets: Sets = None,
) -> None:
    """Turn shards into training arrays: {train,val,test}/*.npy."""
    from forge_core.tokens.settings import TokenSettings

    settings = build(TokenSettings, {"samples_per_shard": samples_per_shard}, sets)
    found = shards(inputs)
    outcome = run_flow("stages:tokenize", shards=found, tokens=settings, output=folder(output))
    say(f"{outcome.value.short} in {output or 'the store'}")


def export(
    checkpoint: Model,
    data: Data = None,
    output: Output = None,
    samples: Annotated[int | None, typer.Option(help="Samples of val on which the files are checked.")] = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Export a model to ONNX in float32, float16 and int8, each checked against torch on real samples."""
    from forge_core.learn.export_report import ExportSettings
    from forge_core.shards.split import Split
    from tasks.dataset import tokens_of

    settings = build(ExportSettings, {"samples": samples})
    trained = model(checkpoint, trained=True)
    arrays = tokens(data, [Split.VAL]) or tokens_of(trained)
    outcome = run_flow(
        "stages:export",
        model=trained,
        tokens=arrays,
        output=folder(output),
        settings=settings,
        on=on,
    )
    from flows.report import FILE_COLUMNS, file_rows, place_rows, read_export

    if as_json:
        show_json({"object": outcome.value, "report": read_export(outcome.value)})
        return
    show_rows("ONNX against torch", file_rows(outcome.value), FILE_COLUMNS)
    show_rows("", place_rows([outcome.value]))
