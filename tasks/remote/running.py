"""Asynchronous work inside a task, which ends in order when the task is interrupted."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

S = TypeVar("S")
T = TypeVar("T")

_AT_ONCE = 16

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. Ctrl-C and SIGTERM cancel it; once it has cleaned up, the signal takes its usual
    course: KeyboardInterrupt, or whatever the process (Prefect) does at SIGTERM. A second signal cuts cleaning short.
    """
    received: list[int] = []

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        usual = {number: signal.getsignal(number) for number in _SIGNALS}

        def stop(number: int) -> None:
            received.append(number)
            if task is not None:
                task.cancel()

        for number in _SIGNALS:
            loop.add_signal_handler(number, stop, number)
        try:
            return await main
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
                signal.signal(number, usual[number])

    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(_plain(main))
    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        if signal.SIGINT in received:
            raise KeyboardInterrupt from None
        if received:
            os.kill(os.getpid(), received[0])
        raise


async def _plain(main: Coroutine[Any, Any, T]) -> T:
    return await main


async def for_each(work: Callable[[S], Awaitable[None]], items: Iterable[S]) -> None:
    """Work on items, 16 at a time and by as many tasks, however many items there are. Raises the first failure."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:  # each goes to one of those who take from the same iterator
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise first_of(failures) from None


def first_of(reason: BaseException) -> BaseException:
    """The exception that a task group's group of them began with."""
    while isinstance(reason, BaseExceptionGroup):
        reason = cast("BaseExceptionGroup[BaseException]", reason).exceptions[0]
    return reason
