"""Commands for this machine: the local servers and the state of the installation."""

import os
from typing import Annotated, Literal

import typer

from flows.cli.running import connect, say


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, down, status, deploy, ui, doctor):
        app.command()(command)


def up(mlflow: Annotated[bool, typer.Option(help="Start the MLflow pages, too.")] = True) -> None:
    """Start the local Prefect server and the MLflow pages in the background, unless they run."""
    from configs.installation import Installation
    from flows import server

    installation = Installation()
    services = [server.prefect_service(installation)]
    if mlflow:
        services.append(server.mlflow_service(installation))
    started = [(service, server.start(service, tell=say)) for service in services]
    for service, address in started:
        server.wait(service)
        typer.echo(f"{service.name:8} {address}")
    typer.echo("`forge down` stops them.")


def down() -> None:
    """Stop the local servers."""
    from configs.installation import Installation
    from flows import server

    installation = Installation()
    for service in (server.prefect_service(installation), server.mlflow_service(installation)):
        typer.echo(f"{service.name:8} {'stopped' if server.stop(service) else 'was not running'}")


def status() -> None:
    """Say which local servers answer, and where."""
    from configs.installation import Installation
    from flows import server

    installation = Installation()
    for service in (server.prefect_service(installation), server.mlflow_service(installation)):
        typer.echo(f"{service.name:8} {server.address(service) or 'not running'}")


def deploy() -> None:
    """Put work pools, automations and deployments on the Prefect server; may be run again at any time."""
    connection = connect()
    from flows import deploy

    connection.wait()
    deploy.deploy()
    say(f"Every flow can be started at {connection.api_url.removesuffix('/api')}/deployments")


def ui(
    which: Annotated[Literal["prefect", "mlflow"], typer.Argument(help="Whose pages.")] = "prefect",
    run: Annotated[
        str, typer.Option(help="The run to show, as the commands print it; the front page if not given.")
    ] = "",
) -> None:
    """Open the pages of Prefect or MLflow in the browser; their server is started if need be."""
    from configs.installation import Installation
    from flows import server

    installation = Installation()
    remote = {"prefect": os.environ.get("PREFECT_API_URL", "").removesuffix("/api"), "mlflow": installation.mlflow_uri}
    service = {"prefect": server.prefect_service, "mlflow": server.mlflow_service}[which](installation)
    if not (address := remote[which]):
        address = server.start(service, tell=say)
        server.wait(service)
    experiment, _, name = run.partition("/")
    page = {"prefect": f"{server.RUN_PAGE}{run}", "mlflow": f"/#/experiments/{experiment}/runs/{name}"}[which]
    typer.echo(address + (page if run else ""))
    typer.launch(address + (page if run else ""))


def doctor() -> None:
    """Check the installation: versions, folders, memory, servers, GPU; each fault with what to do about it."""
    from flows.checks import check_all

    faults = 0
    for check in check_all():
        faults += not check.sound
        typer.echo(f"{'ok   ' if check.sound else 'FAULT'} {check.name:14} {check.found}")
        if not check.sound:
            typer.echo(f"      {'':14} {check.remedy}")
    if faults:
        raise typer.Exit(1)
