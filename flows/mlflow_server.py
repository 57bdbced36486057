"""`python -m flows.mlflow_server server`: MLflow's own command, behind flows.guard as Prefect's server is.

MLflow by itself lets in the pages of every port of this machine, looks at the Origin of a part of its paths alone, and
asks for no password. Ours asks for MLFLOW_TRACKING_USERNAME and _PASSWORD, when it is started with these.
"""

import os
from typing import Any

from starlette.types import ASGIApp

from flows.guard import Guard, Login

HEALTH = "/health"


def guarded_app() -> ASGIApp:
    """MLflow behind the guard, for the names and origins of --allowed-hosts and --cors-allowed-origins."""
    from mlflow.server import fastapi_app, security_utils

    hosts = security_utils.get_allowed_hosts_from_env() or []
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{each}", "") for each in ("USERNAME", "PASSWORD"))
    return Guard(
        Login(fastapi_app.app, login=f"{name}:{password}" if name or password else None, open_path=HEALTH),
        hosts=[host.partition(":")[0] for host in hosts],
        origins=security_utils.get_allowed_origins_from_env() or [],
        credential=None,
    )


def protect() -> None:
    """Have `mlflow server` start our application instead of its own."""
    from mlflow import server

    command = server._build_uvicorn_command  # pyright: ignore[reportPrivateUsage]

    def guarded_command(options: str | None, host: str, port: int, workers: int, *_: Any, **__: Any) -> list[str]:
        return command(options, host, port, workers, "flows.mlflow_server:guarded_app", is_factory=True)

    server._build_uvicorn_command = guarded_command  # pyright: ignore[reportPrivateUsage]


if __name__ == "__main__":
    from mlflow.cli import cli

    protect()
    cli()
