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
    """A place, and what is known of the command that works there: a budget holds for all its stages together.

    items   how many deals or games it has still to make at most, if it makes them slice by slice; None = not known
    agreed  its cost was agreed to: no later stage or slice asks
    spent   US dollars so far, by estimate
    """

    place: Place
    items: int | None = None
    agreed: bool = False
    spent: float = 0.0

    @property
    def left(self) -> float | None:
        """US dollars that the budget leaves; None = there is no budget."""
        return None if self.place.budget is None else max(0.0, self.place.budget - self.spent)


_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


@contextmanager
def work_on(place: Place | None, *, items: int | None = None) -> Generator[None]:
    """Stages called in the block do their work at a place on Modal; None leaves everything as it is.

    items  how many deals or games they are to make at most, slice by slice: their price is told as a whole

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
    token = _elsewhere.set(Elsewhere(place, items, agreed=place.agreed))
    try:
        yield
    finally:
        _elsewhere.reset(token)


def elsewhere() -> Elsewhere | None:
    """Where the work of a stage goes; None = it is done here."""
    return _elsewhere.get()
