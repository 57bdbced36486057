"""Calls as Prefect tasks: an artifact comes from the store, or an executor makes it and it is put there."""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from configs.installation import Installation
from configs.storage import open_store
from forge_core.artifacts.listing import Source, foreign_source
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Store
from tasks.stage import Call, Details, Executor

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Make = Callable[[Path], Details]


def stage_task(**options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Prefect's `task` without its caching, which overlooks edited code and deleted files: the store is the cache.

    A call returns what the task made, also when the task ended in the state `Cached`.
    """
    names = {} if "task_run_name" in options else {"task_run_name": options["name"]}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        inner = cast(Any, task)(function, cache_policy=NO_CACHE, persist_result=False, **names, **options)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            return inner(*args, **kwargs, return_state=True).result()

        return run

    return decorate


@dataclass(slots=True)
class Tally:
    """What the tasks of a run did.

    made, cached  artifacts that were made, and that were in the store
    seconds       wall time spent in making them; the rest of the run is orchestration
    """

    made: int = 0
    cached: int = 0
    seconds: float = 0.0


_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tally() -> Generator[Tally]:
    """Counts what the tasks called in the block do."""
    counts = Tally()
    token = _tally.set(counts)
    try:
        yield counts
    finally:
        _tally.reset(token)


def store() -> Store:
    """The store of this installation."""
    return open_store()


def source(where: Reference | Path) -> Source:
    """The folder and digest of an input: an object of the store, or a file or folder outside it (see `place`)."""
    if isinstance(where, Reference):
        return Source(store().path(where), where.digest)
    return foreign_source(Installation().place(where))


def run_stage(call: Call[Any], executor: Executor, *, make: Make | None = None) -> Reference:
    """The artifact of a call, by a Prefect task that is named after the stage: from the store, or made now.

    Args:
        call: what to make.
        executor: where it is made.
        make: writes the files into the empty folder that it is given; None = `executor.run` does.
    """
    title = call.title or call.stage.name
    run = make or (lambda folder: executor.run(call, folder))
    return stage_task(name=call.stage.name, task_run_name=title)(lambda: artifact(call, run))()


def run_stages(calls: Sequence[Call[Any]], executor: Executor) -> list[Reference]:
    """The artifacts of several calls of a stage; what the store lacks is made all at once where that helps."""
    missing = [call for call in calls if store().find(call.key) is None]
    if missing:
        executor.prepare(missing)
    return [run_stage(call, executor) for call in calls]


def artifact(call: Call[Any], make: Make) -> Reference:
    """The artifact of a call, from the store or made now, as the return value of a task.

    A hit is returned to Prefect as the state `Cached`, which hands the reference on like any other result.
    """
    name, start = call.stage.name, time.perf_counter()
    built = store().build(call.key, make, kind=call.stage.kind)
    reference, seconds = built.reference, time.perf_counter() - start
    counts = _tally.get() or Tally()
    if built.cached:
        counts.cached += 1
        logger.info("%-12s cached   %s", name, reference.short)
        message = f"{reference.short} was in the store"
        return cast(Reference, Completed(name="Cached", message=message, data=reference))
    counts.made += 1
    counts.seconds += seconds
    logger.info("%-12s made     %s in %.1f s", name, reference.short, seconds)
    return reference
