"""The terminal while flows run: one stderr for log lines and progress bars, so that neither tears the other."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}


@cache
def console() -> Console:
    """The console on stderr that everything in this process shares."""
    return Console(stderr=True)


class ConsoleHandler(logging.Handler):
    """Log lines on the shared console."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        console().print(
            self.format(record), style=_STYLES.get(record.levelno), soft_wrap=True, markup=False, highlight=False
        )


@contextmanager
def progress(description: str, total: int | None) -> Generator[Callable[[int], None]]:
    """A progress bar while the block runs, silent when stderr is no terminal; call what it yields to advance it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)
