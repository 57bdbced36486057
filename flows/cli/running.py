"""How a command runs a flow: on the server that PREFECT_API_URL names, or on the local one, started if need be."""

import importlib
import os
import sys
from typing import Any, NamedTuple

import typer

from forge_core.errors import ForgeError


class Outcome(NamedTuple):
    """What a flow returned, and the id of its run."""

    value: Any
    run: str


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr, so that stdout holds results alone."""
    typer.echo(text, err=True)


def program() -> str:
    """How this program was called, so that a person can copy a command that works."""
    return sys.argv[0] if sys.argv[0].endswith("forge") else "forge"


class Connection(NamedTuple):
    """The Prefect server that this process speaks to.

    is_local  it is the local one, which may still be starting
    is_fresh  it has just been started
    """

    api_url: str
    is_local: bool
    is_fresh: bool

    def wait(self) -> None:
        """Wait until the server answers; ForgeError when it does not."""
        from configs.installation import Installation
        from flows import server

        if self.is_local:
            server.wait(server.prefect_service(Installation()))
            if self.is_fresh:
                from flows import deploy

                deploy.install_automations()
        elif not server.is_healthy(f"{self.api_url}/health"):
            raise ForgeError.of(
                got=f"no answer from the Prefect server at {self.api_url}",
                expected="the server that PREFECT_API_URL names",
                remedy="start that server, or unset PREFECT_API_URL to use a local one",
            )
        elif server.refuses_us(self.api_url):
            raise ForgeError.of(
                got=f"no access to the Prefect server at {self.api_url}",
                expected="its name and password in PREFECT_API_AUTH_STRING",
                remedy="set it; that of a local server is in the file prefect/credential of its home folder",
            )


def connect() -> Connection:
    """Make Prefect, not imported yet, use the server that PREFECT_API_URL names or the local one, started if need be.

    What is imported before `wait` is called is imported while the server starts.
    """
    from configs.installation import Installation, given_api_url
    from flows import server

    installation = Installation()
    if given := given_api_url():
        connection = Connection(given, is_local=False, is_fresh=False)
    else:
        started = server.start(server.prefect_service(installation), tell=say)
        connection = Connection(f"{started.address}/api", is_local=True, is_fresh=started.fresh)
    enter(connection.api_url, is_local=connection.is_local)
    return connection


def enter(api_url: str, *, is_local: bool) -> None:
    """Give this process the environment for Prefect, which must not be imported yet, to use a server."""
    from configs.installation import Installation, local_environment, prefect_environment

    if is_local:
        ours = local_environment(Installation(), api_url)
        for name in os.environ.keys() - ours.keys():
            del os.environ[name]
        os.environ.update(ours)
    else:
        Installation().prefect.mkdir(parents=True, exist_ok=True)  # or Prefect complains that it cannot make it
        for name, value in prefect_environment(Installation(), api_url).items():
            os.environ.setdefault(name, value)
        os.environ["PREFECT_API_URL"] = api_url


def run_flow(entry: str, **parameters: Any) -> Outcome:
    """Run the flow "module:name" of the package `flows` in this process, and say where its page is.

    Raises what the flow raises; ForgeError when no server can be reached.
    """
    from flows import server

    connection = connect()
    module, name = entry.split(":")
    flow = getattr(importlib.import_module(f"flows.{module}"), name)
    connection.wait()
    try:
        state = flow(**parameters, return_state=True)
    except KeyboardInterrupt:
        say("Interrupted. What is finished is kept; run the same command again to go on.")
        raise
    run = str(state.state_details.flow_run_id)
    say(
        f"Prefect run: {connection.api_url.removesuffix('/api')}{server.RUN_PAGE}{run}"
        + f"   (`{program()} ui --run {run}` opens it, `{program()} down` stops the server)" * connection.is_local
    )
    return Outcome(state.result(), run)
