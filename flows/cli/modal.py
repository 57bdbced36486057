"""Commands about work on Modal."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.errors import ForgeGroup
from flows.cli.options import Json
from flows.cli.results import show_json, show_rows
from flows.cli.running import say

app = typer.Typer(
    cls=ForgeGroup, help="Work on Modal: watch, stop, fetch, cost.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _installed() -> None:
    """Work on Modal."""
    import importlib.util

    from forge_core.errors import InputError

    if importlib.util.find_spec("modal") is None:
        raise InputError.of(
            got="no Modal client in this environment",
            expected="the extra `modal`",
            remedy="install it with: pip install 'crystal-forge[modal]'",
        )


@app.command()
def status(as_json: Json = False) -> None:
    """Show our Apps on Modal: stage, who started them, containers; and what Modal has billed."""
    from tasks.remote import control
    from tasks.remote.running import run

    cloud, billed = run(control.look_and_bill())
    if as_json:
        show_json({"apps": cloud.apps, "containers": cloud.containers, "billed": billed})
        return
    rows = [(one["app_id"], one["description"], one["state"], one["tasks"], one["created_at"]) for one in cloud.apps]
    show_rows("Apps on Modal", rows, ("id", "project.stage.user-machine-process", "state", "containers", "since"))
    rows = [(one["container_id"], one["start_time"]) for one in cloud.containers]
    show_rows("Containers", rows, ("id", "since"))
    typer.echo(f"Billed by Modal in 30 days: {'this plan has no report' if billed is None else f'${billed:.2f}'}")


@app.command()
def stop(
    apps: Annotated[list[str] | None, typer.Argument(metavar="[APP]...", help="Apps, as `status` names them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of ours, whoever started them.")] = False,
) -> None:
    """Stop Apps on Modal with all that they run. The commands that started them end with an error; nothing is lost."""
    from forge_core.errors import InputError
    from tasks.remote import control
    from tasks.remote.running import run

    if bool(apps) == everything:
        raise InputError.of(
            got="no App, or Apps and --all",
            expected="either",
            remedy="name Apps as `forge modal status` does, or --all",
        )
    stopped = run(control.stop_apps(apps or ()))
    typer.echo(f"{len(stopped)} Apps were stopped.")


@app.command()
def download(
    output: Annotated[Path, typer.Option(help="The folder that gets the files; what is there is left alone.")],
    split: Annotated[
        list[str] | None, typer.Option(help="train, val or test; may be repeated. If not given, all.")
    ] = None,
    collection: Annotated[
        str, typer.Option(help="Which files, as the error message lists them, if there are several.")
    ] = "",
) -> None:
    """Fetch shards, games or models from the Volume: only what is missing, every digest checked."""
    from forge_view.console import progress
    from tasks.remote import download as downloads
    from tasks.remote.running import run

    done = run(downloads.download(output.absolute(), splits=split or (), collection=collection, progress=progress))
    say(f"{done.fetched:,} files fetched into {output}, {done.there:,} were there ({done.place})")


@app.command()
def cost(as_json: Json = False) -> None:
    """Show what solving deals costs on each machine: dollars and hours, computed from measured times."""
    from configs.modal import GPUS
    from forge_core.errors import RemoteError
    from tasks.generate import STAGE
    from tasks.remote import connection
    from tasks.remote.cost import CONTAINERS, current_prices, pace, table
    from tasks.remote.prices import PUBLISHED
    from tasks.remote.running import run

    try:
        run(connection.connect())
        prices = run(current_prices())
    except RemoteError:
        prices = PUBLISHED
    columns = ("machine", "an hour", "10,000 deals", "hours", "1,000,000 deals", "hours")
    if as_json:
        show_json({"prices": prices.source, "columns": columns, "rows": table(prices)})
        return
    show_rows(f"50,000 sampled states a deal, {CONTAINERS} containers at a time", table(prices), columns)
    if (machine := STAGE.machine) is not None:
        typer.echo(f"Prices: {prices.source}; {machine.cores:g} cores and {machine.memory} GiB with every GPU.")
    for gpu in (None, *GPUS):
        if (measured := pace("generate", gpu)) is not None:
            typer.echo(
                f"Time on {gpu or 'cores'}: {measured.seconds:.3f} s of a container a deal, from {measured.source}."
            )
