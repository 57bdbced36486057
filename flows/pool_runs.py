"""Blocks as runs on a work pool: started a few at a time, waited for, tried again when they fail."""

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect import State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelling
from pydantic_core import to_json, to_jsonable_python

from configs.operation import Backfill
from flows.fillers import Filler
from flows.interrupt import Stopping

logger = logging.getLogger(__name__)

DEPLOYMENTS = {"cpu": "on-demand", "gpu": "on-gpu"}
"""How the deployments of a flow are called, by work pool."""

T = TypeVar("T")

_POLL = 2  # seconds
_PATIENCE = 600  # seconds without an answer after which a backfill gives up


@dataclass(frozen=True, slots=True)
class _Try:
    """A block, and how often it was tried, this time included."""

    block: range
    attempt: int = 1


@dataclass(slots=True)
class PoolRuns:
    """Fills blocks by runs on a work pool, for a backfill.

    A run is tagged with what it makes. A backfill that finds a run of its block under way, which another backfill or
    an earlier life of its own has started, waits for that one instead of starting a second.

    failed  the blocks that failed in every attempt, and why
    """

    filler: Filler[Any]
    settings: Backfill
    failed: dict[range, str] = field(default_factory=dict[range, str])
    _warned: bool = False

    def fill(self, blocks: Sequence[range], *, stopping: Stopping, on_block: Callable[[], None]) -> None:
        """Fill all blocks. Once `stopping` says so no more are started, and those under way are waited for.

        When an exception ends it, a cancellation for one, the runs are cancelled.
        """
        waiting = deque(_Try(block) for block in blocks)
        under_way: dict[UUID, _Try] = {}
        with get_client(sync_client=True) as client, _cancelled_on_error(client, under_way):
            while under_way or (waiting and not stopping()):
                while waiting and len(under_way) < self.settings.at_once and not stopping():
                    block = waiting[0].block
                    under_way[_patiently(lambda block=block: self._start(client, block))] = waiting.popleft()
                time.sleep(_POLL)
                for run, state in _patiently(lambda: list(self._ended(client, under_way))):
                    tried = under_way.pop(run)
                    if state.is_completed():
                        on_block()
                    elif tried.attempt < self.settings.attempts:
                        logger.warning("%s, attempt %d: %s", _name(tried.block), tried.attempt, _words(state))
                        waiting.append(_Try(tried.block, tried.attempt + 1))
                    else:
                        self.failed[tried.block] = _words(state)

    def _start(self, client: SyncPrefectClient, block: range) -> UUID:
        """The run of a block: the one that is under way, or a new one."""
        parameters = to_jsonable_python(self.filler.parameters(self.settings.place, block))
        tag = self._tag(block, parameters)
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag])))
        alive = [run for run in runs if not _is_final(run)]
        if alive:
            return alive[0].id
        number = len(runs)
        while True:  # backfills that come here at once use the same key and get the same run
            run: Any = run_deployment(  # not a coroutine: this is no async function
                f"{self.filler.flow}/{DEPLOYMENTS[self.settings.where]}",
                parameters=parameters,
                timeout=0,
                tags=[tag],
                idempotency_key=f"{tag}-{number}",
                flow_run_name=f"{self.settings.make} {_name(block)}",
            )
            if not _is_final(run):
                return run.id
            number += 1

    def _ended(self, client: SyncPrefectClient, runs: Mapping[UUID, _Try]) -> Iterator[tuple[UUID, "State[Any]"]]:
        """Those of the runs that have ended, and how."""
        found = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(runs))))
        if found and not self._warned and all(run.state_name == "Late" for run in found):
            logger.warning("No worker of the pool %s has begun a run; see `forge status`", self.settings.where)
            self._warned = True
        for run in found:
            if run.state is not None and run.state.is_final():
                yield run.id, run.state

    def _tag(self, block: range, parameters: Mapping[str, Any]) -> str:
        digest = hashlib.sha256(to_json(parameters)).hexdigest()
        return f"{self.settings.make} {_name(block)} {digest[:12]}"


@contextmanager
def _cancelled_on_error(client: SyncPrefectClient, runs: Mapping[UUID, object]) -> Generator[None]:
    try:
        yield
    except BaseException:
        for run in runs:
            client.set_flow_run_state(run, Cancelling())
        raise


def _patiently(call: Callable[[], T]) -> T:
    """What the server answers, which may be busy for minutes, or just being started again; asking twice is harmless."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return call()
        except (PrefectHTTPStatusError, httpx.TransportError) as error:
            refused = isinstance(error, PrefectHTTPStatusError) and error.response.status_code < 500
            if refused or time.monotonic() > deadline:
                raise
            logger.warning("The Prefect server does not answer (%s); asking again", str(error).partition(chr(10))[0])
            time.sleep(_POLL)


def _is_final(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _name(block: range) -> str:
    return f"{block.start}-{block.stop - 1}"


def _words(state: "State[Any]") -> str:
    return f"{state.name}: {state.message}"
