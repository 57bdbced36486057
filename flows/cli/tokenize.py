"""The command that turns shards into training arrays."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import inputs as checked
from flows.cli.options import TOKENS, Output, Sets, build, setting
from flows.cli.running import run_flow, say


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(tokenize)


def tokenize(
    inputs: Annotated[list[Path], typer.Option("--input", exists=True, help="A folder of shards; may be repeated.")],
    output: Output = None,
    samples_per_shard: Annotated[int | None, setting(TOKENS, "samples_per_shard")] = None,
    sets: Sets = None,
) -> None:
    """Turn shards into training arrays: {train,val,test}/*.npy."""
    from forge_core.tokens.settings import TokenSettings

    settings = build(TokenSettings, {"samples_per_shard": samples_per_shard}, sets)
    found = checked.shards(inputs)
    outcome = run_flow("stages:tokenize", shards=found, tokens=settings, output=checked.output(output))
    say(f"{outcome.value.short} in {output or 'the store'}")
