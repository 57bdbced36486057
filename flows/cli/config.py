"""Commands about the program itself: its version, and where everything lies."""

import json
import os
from typing import Annotated

import typer

from flows.cli.options import Json
from flows.cli.results import show_rows

FIRST_STEPS = (
    "First steps: `forge doctor` checks the installation, `forge solve --seed 0 --declaration sixes` looks at one "
    "deal, `forge pipeline --preset demo` runs the whole chain. `forge --install-completion` completes commands in "
    "your shell."
)


def add_to(app: typer.Typer) -> None:
    """Add the command and the options of this module."""
    app.callback(epilog=FIRST_STEPS, invoke_without_command=True)(_options)
    app.command()(config)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"crystal-forge {version('crystal-forge')}")
        raise typer.Exit


def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Crystal Forge: exact Texas 42 data, networks that imitate it, and E[Q] games."""
    if context.invoked_subcommand is not None:
        return
    from configs.installation import Installation
    from flows.cli.examples import welcome

    home = Installation().home.absolute()
    made = home.is_dir() and any(home.iterdir())
    typer.echo(context.get_help() if made else welcome(str(home)))


def config(as_json: Json = False) -> None:
    """Show where everything lies, and which environment variables decide it."""
    from configs.installation import Installation

    installation = Installation()
    places = {
        "home": str(installation.home.absolute()),
        "store": installation.bucket or str(installation.store),
        "models": str(installation.models),
        "Prefect's folder": str(installation.prefect),
        "Prefect's address": os.environ.get("PREFECT_API_URL", "a local server, started when needed"),
        "MLflow's runs": installation.tracking_uri,
        "threads": str(installation.thread_count()),
    }
    variables = {name: os.environ.get(name) for name in _variables(Installation)}
    if as_json:
        typer.echo(json.dumps({"places": places, "variables": variables}))
        return
    show_rows("Where everything lies", list(places.items()))
    show_rows("Environment variables", [(name, value or "(not set)") for name, value in variables.items()])


def _variables(settings: type) -> list[str]:
    from pydantic_settings import BaseSettings

    assert issubclass(settings, BaseSettings)
    names = [str(field.validation_alias or f"FORGE_{name.upper()}") for name, field in settings.model_fields.items()]
    return [*names, "PREFECT_API_URL"]
