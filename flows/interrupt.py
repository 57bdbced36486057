"""Ctrl-C as a wish to stop soon: what is under way is finished first."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Stopping = Callable[[], bool]


@contextmanager
def finish_first(tell: Callable[[str], None]) -> Generator[Stopping]:
    """Yields a function that says whether Ctrl-C was pressed; a second Ctrl-C interrupts at once, as ever.

    Outside the main thread, where Python hands out no signals, nothing changes.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    usual = signal.getsignal(signal.SIGINT)

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual)
        tell("Finishing the present block; Ctrl-C again stops at once.")

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, usual)
