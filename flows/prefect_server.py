"""`python -m flows.prefect_server server start`: Prefect's own command, behind flows.guard, with a working scheduler.

Prefect 3.8 inserts the runs of a schedule with `state`, a hybrid attribute, among their values. SQLAlchemy 2.0 passed
it over; 2.1 wants to be told what becomes of it, raises otherwise, and no schedule ever makes a run.
"""

import inspect
from typing import Any
from urllib.parse import urlsplit

from configs.environment import LOOPBACK
from flows.guard import Guard, origins

IN_PROCESS = "prefect-in-memory"
"""The name by which the server's own actions (automations) speak to it in its process; no browser can resolve it."""


def mend() -> None:
    """Tell SQLAlchemy to pass over the state of runs that are inserted many at once: Prefect inserts it by itself."""
    from prefect.server.database.orm_models import FlowRun, TaskRun

    for model in (FlowRun, TaskRun):
        inspect.getattr_static(model, "state").bulk_dml_setter = _pass_over


def protect() -> None:
    """Put the guard before every server that this process makes, once: `create_app` gives a running one again.

    Its names are those of this machine, of PREFECT_API_URL (how clients reach it) and of the origins of
    PREFECT_SERVER_CORS_ALLOWED_ORIGINS (how browsers do), which are also the origins of its pages.
    """
    from prefect.server.api import server
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    auth = settings.server.api.auth_string
    pages = origins(settings.server.api.cors_allowed_origins.split(","))
    hosts = {
        IN_PROCESS,
        *LOOPBACK,
        *(urlsplit(url).hostname or LOOPBACK[0] for url in (*pages, settings.api.url or "")),
    }
    credential = auth.get_secret_value() if auth else None
    create_app = server.create_app

    def create_guarded_app(*words: Any, **options: Any) -> Any:
        app = create_app(*words, **options)
        if all(each.cls is not Guard for each in app.user_middleware):
            app.add_middleware(Guard, hosts=hosts, origins=pages, credential=credential)
        return app

    server.create_app = create_guarded_app


def _pass_over(_model: type[Any], _values: dict[str, Any], _state: Any) -> None:
    return


if __name__ == "__main__":
    from prefect.cli import app

    mend()
    protect()
    app()
