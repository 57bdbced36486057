"""What all tasks have in common: an artifact comes from the store, or is made and put there."""

import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
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
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import Key, make_key
from forge_core.artifacts.listing import Source, foreign_source
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Store

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


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


def key_of(stage: str, *, code: Sequence[str], settings: Mapping[str, Any], inputs: Sequence[str] = ()) -> Key:
    """The key under which the artifact of a stage is stored; see `artifact`."""
    return make_key(stage, code=fingerprint(*code), settings=settings, inputs=inputs)


def artifact(
    stage: str,
    make: Callable[[Path], None],
    *,
    kind: str,
    code: Sequence[str],
    settings: Mapping[str, Any],
    inputs: Sequence[str] = (),
) -> Reference:
    """The artifact of a stage, from the store or made now, as the return value of a task.

    stage     the task's name, for people and for the key
    make      writes the artifact's files into the empty folder that it is given
    code      the forge_core modules that compute it
    settings  what decides the result, by name: settings models and JSON values
    inputs    digests of what it is made from

    A hit is returned to Prefect as the state `Cached`, which hands the reference on like any other result.
    """
    key = key_of(stage, code=code, settings=settings, inputs=inputs)
    start = time.perf_counter()
    built = store().build(key, make, kind=kind)
    reference, seconds = built.reference, time.perf_counter() - start
    counts = _tally.get() or Tally()
    if built.cached:
        counts.cached += 1
        logger.info("%-12s cached   %s", stage, reference.short)
        message = f"{reference.short} was in the store"
        return cast(Reference, Completed(name="Cached", message=message, data=reference))
    counts.made += 1
    counts.seconds += seconds
    logger.info("%-12s made     %s in %.1f s", stage, reference.short, seconds)
    return reference
