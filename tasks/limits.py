"""What only one run may use at a time: a GPU, and the right to decide what a data set lacks.

Limits of the Prefect server queue the runs, so that they don't get in each other's way; they can be seen under
Concurrency in its UI. They are not what keeps files whole: locks in the file system do that, without any server.
"""

import logging
import os
import re
import socket
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists
from prefect.runtime import deployment

logger = logging.getLogger(__name__)

_LEASE = 60  # seconds after which the server takes a limit back from a run that was killed
_AT_ONCE = 5  # seconds of waiting that are not worth a word

_has_gpu: ContextVar[bool] = ContextVar("has_gpu", default=False)


@contextmanager
def one_gpu() -> Generator[None]:
    """The CUDA device that this process sees, for this run alone; waits for the run that has it.

    What a run does while it holds the device may ask for it again.
    """
    if _has_gpu.get():
        yield
        return
    token = _has_gpu.set(True)
    try:
        with _hold(f"gpu {socket.gethostname()} {os.environ.get('CUDA_VISIBLE_DEVICES', '0')}"):
            yield
    finally:
        _has_gpu.reset(token)


def one_writer(folder: Path) -> AbstractContextManager[None]:
    """The right to fill a data set, for runs that a worker has started; waits for the run that has it.

    A run that a person started at a terminal does not wait: files are claimed one by one, so it shares the work.
    """
    return _hold(f"data set {folder}") if deployment.id else nullcontext()


@contextmanager
def _hold(what: str) -> Generator[None]:
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", what)
    with suppress(ObjectAlreadyExists), get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
    with ExitStack() as stack:
        try:
            stack.enter_context(concurrency(name, timeout_seconds=_AT_ONCE, lease_duration=_LEASE))
        except TimeoutError:
            logger.info("%-12s for the %s, which another run has", "waiting", what)
            stack.enter_context(concurrency(name, lease_duration=_LEASE))
        yield
