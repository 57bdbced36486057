"""Commands about work on Modal."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.group import ForgeGroup
from flows.cli.running import say
from flows.cli.tables import show_rows

if TYPE_CHECKING:
    from tasks.remote.journal import Run

app = typer.Typer(
    cls=ForgeGroup, help="Work on Modal: deploy, watch, stop, fetch, cost.", no_args_is_help=True, rich_markup_mode=None
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
def deploy() -> None:
    """Send the App to Modal: its images, its Functions and its Volume. Costs nothing until something runs."""
    from forge_core.errors import RemoteError
    from tasks.remote import deployed
    from tasks.remote.running import run

    run(deployed.check())
    command = [sys.executable, "-m", "modal", "deploy", "-m", "deployments.modal_app"]
    if subprocess.run(command, check=False).returncode:
        raise RemoteError.of(
            got="a deployment that failed", expected="the App on Modal", remedy="see what is said above"
        )
    run(deployed.sign())
    say("Deployed. Add --on modal or --on modal:GPU to generate, eq generate, train, evaluate, export or pipeline.")


@app.command()
def status(
    runs: Annotated[int, typer.Option(min=1, help="How many runs of this installation to show.")] = 10,
    offline: Annotated[bool, typer.Option("--offline", help="Only what this machine knows.")] = False,
) -> None:
    """Show Apps, containers, and the runs of this installation: progress, and what they cost so far."""
    from itertools import islice

    from tasks.remote import control, journal
    from tasks.remote.running import run

    if not offline:
        cloud, billed = run(control.look_and_bill())
        rows = [(one["app_id"], one["state"], one["tasks"], one["created_at"]) for one in cloud.apps]
        show_rows("Apps on Modal", rows, ("id", "state", "containers", "since"))
        rows = [(one["container_id"], one["start_time"]) for one in cloud.containers]
        show_rows("Containers", rows, ("id", "since"))
        typer.echo(f"Billed by Modal in 30 days: {'this plan has no report' if billed is None else f'${billed:.2f}'}")
    columns = ("run", "state", "done", "failed", "spent (estimate)", "at most")
    show_rows("Runs of this installation", [_run_row(one) for one in islice(journal.runs(), runs)], columns)
    if abandoned := [one.name for one in control.open_runs() if not one.alive]:
        say("Nobody drives these any more; stop them with: forge modal stop " + " ".join(abandoned))


@app.command()
def stop(
    run_names: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs, as `status` names them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All runs, then the App itself: deploy it anew.")] = False,
) -> None:
    """Cancel what a run has started on Modal, whoever drives it."""
    from forge_core.errors import InputError, RemoteError
    from tasks.remote import connection, control, journal
    from tasks.remote.running import run

    if bool(run_names) == everything:
        raise InputError.of(
            got="no run, or runs and --all",
            expected="either",
            remedy="name runs as `forge modal status` does, or --all",
        )
    chosen = control.open_runs() if everything else [journal.find(name) for name in run_names or ()]

    why = "asked for by `forge modal stop`"

    async def work() -> tuple[dict[str, str], list[str]]:
        await connection.connect()
        failures = await control.stop_runs(chosen, why=why)
        return ({}, await control.stop_app(chosen, why=why)) if everything else (failures, [])

    failures, apps = run(work())
    calls = [name for one in chosen for name in one.open if name not in failures]
    typer.echo(f"{len(chosen)} runs, {len(calls)} calls and {len(apps)} Apps were stopped.")
    if apps:
        say("Before work goes to Modal again: forge modal deploy")
    if failures:
        blocks = {name: block for one in chosen for name, block in one.open.items()}
        listed = ", ".join(f"{blocks.get(name, name)}: {reason}" for name, reason in failures.items())
        raise RemoteError.of(
            got=f"{len(failures)} inputs that may go on ({listed})",
            expected="all of them to end",
            remedy="try again, or stop the whole App with `forge modal stop --all`",
        )


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
    from tasks.remote import download as downloads
    from tasks.remote.running import run

    done = run(downloads.download(output.absolute(), splits=split or (), collection=collection))
    say(f"{done.fetched:,} files fetched into {output}, {done.there:,} were there ({done.place})")


@app.command()
def cost() -> None:
    """Show what solving deals costs on each machine: dollars and hours, computed from measured times."""
    from configs.modal import GPUS, MACHINES
    from forge_core.errors import RemoteError
    from tasks.remote import connection
    from tasks.remote.cost import CONTAINERS, pace, table
    from tasks.remote.prices import PUBLISHED
    from tasks.remote.running import run
    from tasks.remote.runs import current_prices

    try:
        run(connection.connect())
        prices = run(current_prices())
    except RemoteError:
        prices = PUBLISHED
    machine = MACHINES["generate"]
    columns = ("machine", "an hour", "10,000 deals", "hours", "1,000,000 deals", "hours")
    show_rows(f"50,000 sampled states a deal, {CONTAINERS} containers at a time", table(prices), columns)
    typer.echo(f"Prices: {prices.source}; {machine.cores:g} cores and {machine.memory} GiB with every GPU.")
    for gpu in (None, *GPUS):
        if (measured := pace("generate", gpu)) is not None:
            typer.echo(
                f"Time on {gpu or 'cores'}: {measured.seconds:.3f} s of a container a deal, from {measured.source}."
            )


def _run_row(run: "Run") -> tuple[str, ...]:
    total = run.start.get("items", run.start.get("inputs", 0))
    done = sum(int(event["items"]) for event in run.done)
    at_most = run.start.get("at_most")
    limit = "" if at_most is None else f"${at_most:.2f}"
    return run.name, run.state, f"{done:,} of {total:,}", str(run.failed), f"${run.spent:.2f}", limit
