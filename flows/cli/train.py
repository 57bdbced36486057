"""The command that trains."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.inputs import model, seat, tokens
from flows.cli.inputs import output as folder
from flows.cli.modal_options import modal_options
from flows.cli.options import HARDWARE, TRAIN, Output, Sets, build, setting
from flows.cli.running import run_flow, say


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(modal_options(train))


def train(
    data: Annotated[
        Path | None,
        typer.Option(exists=True, help="A token folder of `forge tokenize`; a stream can do without one."),
    ] = None,
    output: Output = None,
    network: Annotated[str | None, setting(TRAIN, "network")] = None,
    size: Annotated[str | None, setting(TRAIN, "size")] = None,
    kind: Annotated[str | None, setting(TRAIN, "kind", before="seat: a network that sees one hand. Else: ")] = None,
    source: Annotated[
        str | None,
        setting(TRAIN, "source"),
    ] = None,
    initial: Annotated[
        str | None,
        typer.Option(help="Whose weights it starts from: champion or another name of a model, or the path of one."),
    ] = None,
    epochs: Annotated[int | None, setting(TRAIN, "epochs")] = None,
    batch_size: Annotated[int | None, setting(TRAIN, "batch_size")] = None,
    learning_rate: Annotated[float | None, setting(TRAIN, "learning_rate")] = None,
    precision: Annotated[str | None, setting(TRAIN, "precision")] = None,
    devices: Annotated[str | None, setting(HARDWARE, "devices")] = None,
    strategy: Annotated[str | None, setting(HARDWARE, "strategy")] = None,
    seed: Annotated[int | None, setting(TRAIN, "seed")] = None,
    fast_dev_run: Annotated[
        bool, typer.Option("--fast-dev-run", help="A few steps, on a few deals solved for it if --data is not given.")
    ] = False,
    sets: Sets = None,
    on: Any = None,
) -> None:
    """Train a network, on training arrays or on a stream of fresh deals; a seat network on deals that it plays."""
    if kind == "seat":
        given = {"--data": data, "--source": source, "--precision": precision, "--devices": devices}
        options = {"network": network, "size": size, "epochs": epochs, "batch_size": batch_size}
        options |= {"learning_rate": learning_rate, "seed": seed}
        _train_seat(options, sets, given | {"--strategy": strategy}, initial, output, on, quick=fast_dev_run)
        return
    from forge_core.errors import InputError
    from forge_core.learn.settings import TrainSettings
    from forge_core.shards.split import Split
    from tasks.devices import Hardware

    options = {
        "network": network,
        "size": size,
        "kind": kind,
        "source": source,
        "epochs": epochs,
        "batch_size": batch_size,
    }
    options |= {"learning_rate": learning_rate, "precision": precision, "seed": seed}
    settings = build(TrainSettings, options, sets)
    hardware = build(Hardware, {"devices": devices, "strategy": strategy})
    start = None if initial is None else model(initial, kind=None if settings.kind == "policy" else settings.kind)
    if fast_dev_run:
        settings = settings.quick_check()
    if data is None and settings.source == "tokens" and not fast_dev_run:
        raise InputError.of(
            got="no --data",
            expected="a token folder, as `forge tokenize --output DIR` writes it",
            remedy="name one with --data DIR, or try --source stream or --fast-dev-run",
        )
    given = tokens(data, [Split.VAL] if settings.source == "stream" else [Split.VAL, Split.TRAIN])
    place = folder(output)
    outcome = run_flow(
        "stages:train",
        tokens=given or (_few_tokens() if fast_dev_run else _val_tokens()),
        settings=settings,
        output=place,
        initial=start,
        hardware=hardware,
        on=on,
    )
    say(f"{outcome.value.short} in {output or 'the store'}")


def _train_seat(
    options: dict[str, Any],
    sets: list[str] | None,
    others: dict[str, Any],
    initial: str | None,
    output: Path | None,
    on: Any,
    *,
    quick: bool,
) -> None:
    from forge_core.errors import InputError
    from forge_core.seat.settings import SeatSettings

    if wrong := [name for name, value in others.items() if value is not None]:
        raise InputError.of(
            got=f"{', '.join(wrong)} with --kind seat",
            expected="none of them: a seat network plays its own deals, on one device",
            remedy="leave them out; other settings are given with --set, as in --set playout_tricks=2",
        )
    settings = build(SeatSettings, options, sets)
    start = None if initial is None else seat(initial)
    outcome = run_flow(
        "seat:train_seat",
        settings=settings.quick_check() if quick else settings,
        output=folder(output),
        initial=start,
        on=on,
    )
    say(f"{outcome.value.short} in {output or 'the store'}")


def _few_tokens() -> Any:
    """Training arrays of four deals, for a check that needs no data."""
    return _tokens({0: 2, 900: 1, 950: 1}, states_per_deal=500)


def _val_tokens() -> Any:
    """Training arrays of 200 deals of the val split, to look at while a stream is learned from."""
    return _tokens({thousand + 900: 50 for thousand in range(0, 4000, 1000)}, states_per_deal=500)


def _tokens(counts: dict[int, int], *, states_per_deal: int) -> Any:
    from configs.pipeline import SeedRange
    from forge_core.shards.settings import ShardSettings
    from forge_core.tokens.settings import TokenSettings

    deals = tuple(SeedRange(start=start, count=count) for start, count in counts.items())
    shards = run_flow("stages:generate", deals=deals, shards=ShardSettings(states_per_deal=states_per_deal))
    return run_flow("stages:tokenize", shards=shards.value, tokens=TokenSettings()).value
