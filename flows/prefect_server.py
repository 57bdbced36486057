"""`python -m flows.prefect_server server start`: Prefect's own command; its scheduler works with SQLAlchemy 2.1.

Prefect 3.8 inserts the runs of a schedule with `state`, a hybrid attribute, among their values. SQLAlchemy 2.0 passed
it over; 2.1 wants to be told what becomes of it, raises otherwise, and no schedule ever makes a run.
"""

import inspect
from typing import Any


def mend() -> None:
    """Tell SQLAlchemy to pass over the state of runs that are inserted many at once: Prefect inserts it by itself."""
    from prefect.server.database.orm_models import FlowRun, TaskRun

    for model in (FlowRun, TaskRun):
        inspect.getattr_static(model, "state").bulk_dml_setter = _pass_over


def _pass_over(_model: type[Any], _values: dict[str, Any], _state: Any) -> None:
    return


if __name__ == "__main__":
    from prefect.cli import app

    mend()
    app()
