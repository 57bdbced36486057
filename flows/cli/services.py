"""Commands for this machine: the local servers and the state of the installation."""

from typing import Annotated, Literal

import typer

from flows.cli import inputs
from flows.cli.options import Json
from flows.cli.results import show_json
from flows.cli.running import connect, enter, say


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, down, status, deploy, ui, doctor):
        app.command()(command)


def up(
    pools: Annotated[
        list[str] | None, typer.Option("--pool", help="A work pool that gets a worker; may be repeated. [cpu and gpu]")
    ] = None,
    mlflow: Annotated[bool, typer.Option(help="Start the MLflow pages, too.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it all running in the background.")] = False,
) -> None:
    """Start what this machine needs to run flows by itself, and watch it until Ctrl-C, which ends it all.

    The Prefect server (unless PREFECT_API_URL names another), MLflow's pages, the deployments, a worker for each pool.
    """
    chosen = inputs.pools(pools or ())
    connection = connect()
    from configs.installation import Installation
    from flows import deploy, server
    from flows import up as local

    connection.wait()
    if not deploy.is_deployed():
        say("Putting the deployments on the server ...")
        deploy.deploy()
    installation = Installation()
    services = [server.prefect_service(installation)] * connection.is_local
    services += [server.mlflow_service(installation)] * (mlflow and installation.mlflow_uri is None)
    services += [server.worker_service(installation, pool, connection.api_url) for pool in chosen or deploy.POOLS]
    local.start(services, say)
    if detach:
        status(as_json=False)
        say("`forge down` stops them.")
    else:
        local.Watch(services, say).run()


def down() -> None:
    """Stop what runs in the background: workers, with the flows that they run, and servers."""
    from configs.installation import Installation
    from flows import server

    for service in reversed(server.known(Installation())):
        typer.echo(f"{service.name:8} {'stopped' if server.stop(service) else 'was not running'}")


def status(as_json: Json = False) -> None:
    """Show which servers and workers answer, the work pools, and the runs that are under way or late."""
    from configs.installation import Installation, given_api_url
    from flows import server

    installation = Installation()
    given = given_api_url()
    services = [each for each in server.known(installation) if given is None or server.is_running(each)]
    health = {service.name: server.address(service) for service in services}
    if as_json and given is None and not health["Prefect"]:
        show_json({"services": health, "server": None})
        return
    if (api_url := given or (health["Prefect"] and f"{health['Prefect']}/api")) is None:
        typer.echo("\n".join(f"{name:8} {address or 'not running'}" for name, address in health.items()))
        return
    enter(api_url, is_local=given is None)
    from rich.console import Console

    from flows import up as local

    if as_json:
        show_json({"services": health, "server": local.overview()})
        return
    console = Console(highlight=False)
    for table in local.tables(health, local.overview()):
        console.print(table, "")


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
    """Open the pages of Prefect or MLflow in the browser, signed in; their server is started if need be."""
    from configs.installation import Installation, given_api_url
    from flows import server

    installation = Installation()
    given = {"prefect": (given_api_url() or "").removesuffix("/api"), "mlflow": installation.mlflow_uri}[which]
    service = {"prefect": server.prefect_service, "mlflow": server.mlflow_service}[which](installation)
    if not (address := given):
        address = server.start(service, tell=say).address
        server.wait(service)
    experiment, _, name = run.partition("/")
    path = {"prefect": f"{server.RUN_PAGE}{run}", "mlflow": f"/#/experiments/{experiment}/runs/{name}"}[which]
    page = path if run else ""
    typer.echo(address + page)
    if which == "prefect" and not given:
        from flows.guard import sign_in

        page = sign_in(installation.credential(), page or "/")
    typer.launch(address + page)


def doctor(as_json: Json = False) -> None:
    """Check the installation: versions, folders, memory, servers, GPU; each fault with what to do about it."""
    from flows.checks import check_all

    faults, checks = 0, check_all()
    if as_json:
        checks = list(checks)
        show_json(checks)
    for check in checks:
        faults += not check.sound
        if as_json:
            continue
        typer.echo(f"{'ok   ' if check.sound else 'FAULT'} {check.name:14} {check.found}")
        if not check.sound:
            typer.echo(f"      {'':14} {check.remedy}")
    if faults:
        raise typer.Exit(1)
