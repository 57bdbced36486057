import signal
import threading
import time

import polars  # noqa: F401  (importing it makes the system restart a wait after a Ctrl-C)
import pytest

from forge_core.threads import worker_threads


def test_ctrl_c_ends_the_wait_and_what_has_not_begun_is_dropped() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(2)

    threading.Timer(0.5, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), worker_threads(2) as pool:
        list(pool.map(work, range(8)))
    assert begun == [0, 1]


def test_results_come_in_order() -> None:
    with worker_threads(3) as pool:
        assert list(pool.map(abs, range(-5, 0))) == [5, 4, 3, 2, 1]
