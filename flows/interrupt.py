"""What signals mean: Ctrl-C as a wish to stop soon, SIGTERM and SIGHUP as Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

Stopping = Callable[[], bool]

_asked: ContextVar[Stopping | None] = ContextVar("asked", default=None)


@contextmanager
def finish_first(tell: Callable[[str], None]) -> Generator[Stopping]:
    """Yields a function that says whether Ctrl-C was pressed; a second Ctrl-C interrupts at once, as ever.

    A flow that runs inside another one stops with it. Outside the main thread, where Python hands out no signals,
    nothing changes.
    """
    if (outer := _asked.get()) is not None:
        yield outer
        return
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
    token = _asked.set(asked.is_set)
    try:
        yield asked.is_set
    finally:
        _asked.reset(token)
        signal.signal(signal.SIGINT, usual)


@contextmanager
def ended_by_signals() -> Generator[None]:
    """SIGTERM and SIGHUP (the terminal was closed) end it as Ctrl-C does; what nohup ignores stays ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN]
    usual = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
