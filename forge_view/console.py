"""The terminal while flows run: one stderr for log lines and progress bars, so that neither tears the other."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from forge_view.live import LiveBar

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
def progress(description: str, total: int | None, rates: str = "") -> Generator[Callable[..., None]]:
    """A progress bar while the block runs, in the terminal, if stderr is one, and on the page of a run that takes long.

    Call what it yields to advance it.

    rates is a format string of numbers a second, as "{deals:.1f} deals/s": give their steps by name when advancing.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rates]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    done: Counter[str] = Counter()
    start = time.monotonic()
    live = LiveBar(description, total) if total else None
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as bar:
        task = bar.add_task(description, total=total, rates="")

        def advance(steps: int, **numbers: int) -> None:
            done.update(numbers)
            seconds = max(time.monotonic() - start, 1e-3)
            text = rates.format_map({name: count / seconds for name, count in done.items()}) if done else ""
            bar.update(task, advance=steps, rates=text)
            if live is not None:
                live.advance(steps, text)

        yield advance
    if live is not None:
        live.show(last=True)
