"""Whether stages do their work here or on Modal. It decides where, never what: no key knows of it."""

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from configs.modal import Place
from forge_core.errors import InputError


@dataclass(slots=True)
class Elsewhere:
    """A place, and the US dollars that were spent there so far: a budget holds for all stages of a run together."""

    place: Place
    spent: float = 0.0


_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


@contextmanager
def work_on(place: Place | None) -> Generator[None]:
    """Stages called in the block do their work at a place on Modal; None leaves everything as it is.

    Raises InputError when Modal's client is not installed.
    """
    if place is None:
        yield
        return
    if importlib.util.find_spec("modal") is None:
        raise InputError.of(
            got=f"{place.name}, but no Modal client in this environment",
            expected="the extra `modal`",
            remedy="install it with: pip install 'crystal-forge[modal]'",
        )
    token = _elsewhere.set(Elsewhere(place))
    try:
        yield
    finally:
        _elsewhere.reset(token)


def elsewhere() -> Elsewhere | None:
    """Where the work of a stage goes; None = it is done here."""
    return _elsewhere.get()
