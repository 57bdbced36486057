"""Commands that run one stage as a Prefect flow."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli.options import Sets, build
from flows.cli.running import run_flow, say
from flows.cli.tables import show_metrics, show_rows

Output = Annotated[Path | None, typer.Option(help="A folder that gets the result, besides the store.")]
Checkpoint = Annotated[
    Path, typer.Option(exists=True, help="A model folder of `forge train`, or an .onnx file of `forge export`.")
]
Data = Annotated[
    Path | None, typer.Option(exists=True, help="A token folder; if not given, the one it learned from, in the store.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (tokenize, train, evaluate, export):
        app.command()(command)


def tokenize(
    inputs: Annotated[list[Path], typer.Option("--input", exists=True, help="A folder of shards; may be repeated.")],
    output: Output = None,
    samples_per_shard: Annotated[int | None, typer.Option(help="Samples of a shard at most.")] = None,
    sets: Sets = None,
) -> None:
    """Turn shards into training arrays: {train,val,test}/*.npy."""
    from forge_core.tokens.settings import TokenSettings

    settings = build(TokenSettings, {"samples_per_shard": samples_per_shard}, sets)
    shards = [path.absolute() for path in inputs]
    outcome = run_flow("tokenize:tokenize", shards=shards, tokens=settings, output=_absolute(output))
    say(f"{outcome.value.short} in {output or 'the store'}")


def train(
    data: Annotated[Path | None, typer.Option(exists=True, help="A token folder of `forge tokenize`.")] = None,
    output: Output = None,
    network: Annotated[str | None, typer.Option(help="mlp or transformer.")] = None,
    size: Annotated[str | None, typer.Option(help="tiny, small or large.")] = None,
    kind: Annotated[str | None, typer.Option(help="qvalue or policy.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, 32-true, bf16-mixed or 16-mixed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Keys the first weights and the order of the samples.")] = None,
    fast_dev_run: Annotated[
        bool, typer.Option("--fast-dev-run", help="A few steps, on a few deals solved for it if --data is not given.")
    ] = False,
    sets: Sets = None,
) -> None:
    """Train a network on training arrays."""
    from forge_core.errors import InputError
    from forge_core.learn.settings import TrainSettings

    options = {"network": network, "size": size, "kind": kind, "epochs": epochs, "batch_size": batch_size}
    options |= {"learning_rate": learning_rate, "precision": precision, "seed": seed}
    settings = build(TrainSettings, options, sets)
    if fast_dev_run:
        settings = settings.quick_check()
    if data is None and not fast_dev_run:
        raise InputError.of(
            got="no --data",
            expected="a token folder, as `forge tokenize --output DIR` writes it",
            remedy="name one with --data DIR, or try --fast-dev-run",
        )
    tokens = _absolute(data) or _quick_tokens()
    outcome = run_flow("train:train", tokens=tokens, settings=settings, output=_absolute(output))
    say(f"{outcome.value.short} in {output or 'the store'}")


def evaluate(
    checkpoint: Checkpoint,
    data: Data = None,
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="val to choose by, test to report.")] = "test",
) -> None:
    """Measure a model beside random play and the untrained network."""
    from forge_core.shards.split import Split

    outcome = run_flow("evaluate:evaluate", model=checkpoint.absolute(), tokens=_absolute(data), split=Split(split))
    show_metrics(f"{split} split", outcome.value)


def export(checkpoint: Checkpoint, data: Data = None, output: Output = None) -> None:
    """Export a model to ONNX, checked against torch on real samples."""
    model = checkpoint.absolute()
    outcome = run_flow("export_onnx:export_onnx", model=model, tokens=_absolute(data), output=_absolute(output))
    from tasks.report import parity_rows, place_rows

    show_rows("ONNX", [*parity_rows(outcome.value), *place_rows([outcome.value])])


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _quick_tokens() -> Any:
    """Training arrays of four deals, for a check that needs no data."""
    from configs.pipeline import SeedRange
    from forge_core.shards.settings import ShardSettings
    from forge_core.tokens.settings import TokenSettings

    deals = tuple(SeedRange(start=start, count=count) for start, count in ((0, 2), (900, 1), (950, 1)))
    shards = run_flow("generate_oracle:generate_oracle", deals=deals, shards=ShardSettings(states_per_deal=500))
    return run_flow("tokenize:tokenize", shards=shards.value, tokens=TokenSettings()).value
