"""Threads whose work can be broken off."""

import signal
from collections.abc import Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def worker_threads(n: int) -> Generator[Executor, None, None]:
    """`n` threads. When an exception ends the block, what they have not begun is dropped; what they are at is awaited.

    Waiting for them ends at Ctrl-C. That needs to be said: once Polars is imported, the system restarts a wait that a
    Ctrl-C has disturbed (SA_RESTART), and KeyboardInterrupt would come only with the next result.
    """
    signal.siginterrupt(signal.SIGINT, True)
    with ThreadPoolExecutor(n) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
