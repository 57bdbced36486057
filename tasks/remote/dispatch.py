"""Send inputs to a deployed Function, some at a time, and see to it that nothing goes on when the run is over.

Calls are spawned, their ids journalled at once, and their results awaited. Whatever ends the run (an error, Ctrl-C, a
budget that is used up) cancels every call that is open; what could not be cancelled is told, with the command for it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import modal
from grpclib.exceptions import StreamTerminatedError

from configs.modal import Place
from forge_core import errors
from forge_core.errors import BudgetReached, ForgeError, RemoteError
from tasks.remote import journal as journals
from tasks.remote.journal import Journal
from tasks.remote.meter import Meter
from tasks.remote.running import first_of

logger = logging.getLogger(__name__)

Answer = Mapping[str, Any]
OnAnswer = Callable[["Input", Answer], None]

MOST_PENDING = 1000
"""Inputs under way at a time: half of what Modal lets one Function have."""

PAUSES = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between two questions for an answer while the connection fails, beside what Modal's client tries itself."""

_UNHEARD = (
    modal.exception.ConnectionError,
    modal.exception.ServiceError,
    modal.exception.InternalError,
    modal.exception.ResourceExhaustedError,
    StreamTerminatedError,
    OSError,
)
"""Errors of the connection: they say nothing of the call. Our Functions raise none of them (deployments.modal_app)."""

_TICK = 0.25
_CANCEL_LIMIT = 10.0
_HOPELESS = 3  # inputs given up before any has succeeded: the rest would fail as well


@dataclass(frozen=True, slots=True)
class Input:
    """What one call gets: its name in journal and receipt, the argument, and how many deals or games it stands for."""

    block: str
    job: dict[str, Any]
    items: int = 1


@dataclass(slots=True)
class Dispatch:
    """A run of a Function over many inputs.

    function    the deployed Function, with GPU, limit of containers and time limit already chosen
    journal     where everything is written before it is needed
    on_answer   called with each result as it comes, in any order
    patience    seconds that a result may take; TimeoutError then. None = as long as the time limit lets it
    """

    function: "modal.Function[..., Any, Any]"
    journal: Journal
    place: Place
    meter: Meter
    on_answer: OnAnswer
    patience: float | None = None
    _open: dict[str, str] = field(default_factory=dict[str, str])
    _spawning: set[asyncio.Task[str]] = field(default_factory=set[asyncio.Task[str]])
    _given_up: dict[str, BaseException] = field(default_factory=dict[str, BaseException])
    _answered: int = 0

    async def run(self, inputs: Sequence[Input]) -> None:
        """Run all inputs. Raises BudgetReached, a ForgeError of the Function's, or RemoteError when inputs failed more
        often than `place.retries` allows; when it returns or raises, nothing of the run is under way."""
        waiting = iter(inputs)
        width = min(len(inputs), 2 * self.place.max_containers, MOST_PENDING)
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch())
                workers = [group.create_task(self._work(waiting)) for _ in range(width)]
                await asyncio.wait(workers)
                watch.cancel()
        except BaseException as reason:
            await self._cancel_all()
            self._end("cancelled" if isinstance(reason, asyncio.CancelledError) else _words(first_of(reason)))
            raise first_of(reason) from None
        if self._given_up:
            failure = self._failure()
            self._end(str(failure))
            raise failure
        self._end("finished")

    async def _work(self, waiting: Iterator[Input]) -> None:
        for asked in waiting:
            await self._one(asked)

    async def _one(self, asked: Input) -> None:
        for attempt in range(self.place.retries + 1):
            name = await self._spawn(asked)
            try:
                async with asyncio.timeout(self.patience):
                    answer = await self._answer(name)
            except (Exception, SystemExit) as error:  # the second: a library ended the container's program
                if self.patience is not None and isinstance(error, TimeoutError):
                    raise
                await self._failed(asked, name, error, last=attempt == self.place.retries)
                continue
            self._close(name, "done", items=asked.items, seconds=answer.get("seconds"), device=answer.get("device"))
            if "error" in answer:
                raise _remote_error(answer)
            self._answered += 1
            self.on_answer(asked, answer)
            return

    async def _answer(self, name: str) -> Answer:
        """What a call answers. While the connection fails, the call goes on and is paid for: it is asked again."""
        call = modal.FunctionCall.from_id(name)
        for pause in PAUSES:
            try:
                return cast(Answer, await call.get.aio())
            except _UNHEARD as error:
                logger.warning("%-12s no word from Modal (%s), asking again", "modal", _words(error))
                await asyncio.sleep(pause)
        return cast(Answer, await call.get.aio())

    async def _failed(self, asked: Input, name: str, error: BaseException, *, last: bool) -> None:
        """Note that an attempt failed. Its call is over, as far as can be seen from here: cancelled, it is for sure."""
        if name in (left := await cancel_calls([name])):
            raise RemoteError.of(
                got=f"no word from Modal of the input {asked.block}, which may go on ({left[name]})",
                expected="its answer, or that it is cancelled",
                remedy=f"see to the connection, then run `forge modal stop {self.journal.name}`",
            ) from error
        self._close(name, "failed", why=_words(error))
        if journals.read(self.journal.path).stopped:
            raise RemoteError.of(
                got=f"the run {self.journal.name}, stopped by `forge modal stop`",
                expected="it to go on",
                remedy="run the same command again: what was finished is kept",
            )
        logger.warning("%-12s input %s failed: %s", "modal", asked.block, _words(error))
        if last:
            self._given_up[asked.block] = error
            if not self._answered and len(self._given_up) >= _HOPELESS:
                raise self._failure()

    async def _spawn(self, asked: Input) -> str:
        """The id of a new call, in the journal. Being cancelled meanwhile does not lose it: see `_cancel_all`."""
        spawning = asyncio.ensure_future(self._spawn_and_note(asked))
        self._spawning.add(spawning)
        spawning.add_done_callback(self._spawning.discard)
        return await asyncio.shield(spawning)

    async def _spawn_and_note(self, asked: Input) -> str:
        self.journal.write("spawning", block=asked.block)
        try:
            call = await self.function.spawn.aio(asked.job)
        except Exception as error:
            event = "unanswered" if isinstance(error, _UNHEARD) else "refused"  # the first: it may run all the same
            self.journal.write(event, block=asked.block, why=_words(error))
            raise RemoteError.of(
                got=f"from Modal for an input: {_words(error)}",
                expected="it to be taken",
                remedy="look at `forge doctor` and, for limits, at Modal's pages",
            ) from error
        self.journal.write("call", block=asked.block, id=call.object_id, spent=self.meter.spent)
        self._open[call.object_id] = asked.block
        return call.object_id

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.meter.tick(len(self._open))
            if self.meter.used_up:
                raise BudgetReached.of(
                    got=f"an estimate of ${self.meter.spent:.2f} after {self._answered} inputs",
                    expected=f"less than the ${self.meter.budget:.2f} that the budget leaves",
                    remedy="what was finished is kept: run the same command again with another --budget for the rest",
                )

    async def _cancel_all(self) -> None:
        """Cancel what is open, and what is just being spawned. A second interruption cuts it short."""
        work = asyncio.ensure_future(self._cancel_open())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
        self.meter.tick(len(self._open))
        left = journals.read(self.journal.path)
        if left.open:
            words = "%-12s %d inputs may go on; stop them with: forge modal stop %s"
            logger.error(words, "modal", len(left.open), left.name)
        if left.lost:
            words = "%-12s the inputs %s may go on, under ids that never arrived; end them with: forge modal stop --all"
            logger.error(words, "modal", ", ".join(sorted(left.lost)))

    async def _cancel_open(self) -> None:
        if self._spawning:
            await asyncio.wait(self._spawning, timeout=_CANCEL_LIMIT)
        left = await cancel_calls(list(self._open))
        for name in list(self._open):
            if name in left:
                self.journal.write("not cancelled", id=name, why=left[name])
            else:
                self._close(name, "cancelled")

    def _close(self, name: str, event: str, **facts: Any) -> None:
        self.meter.tick(len(self._open))
        block = self._open.pop(name)
        self.journal.write(event, id=name, block=block, spent=self.meter.spent, **facts)

    def _end(self, outcome: str) -> None:
        self.meter.tick(len(self._open))
        self.journal.write("end", outcome=outcome, spent=self.meter.spent)

    def _failure(self) -> RemoteError:
        block, error = next(iter(self._given_up.items()))
        return RemoteError.of(
            got=f"{len(self._given_up)} inputs that failed {self.place.retries + 1} times (the first, {block}: "
            f"{_words(error)})",
            expected="all of them to succeed",
            remedy="look at `modal app logs`; running the same command again tries only what is missing",
        )


async def cancel_calls(names: Sequence[str]) -> dict[str, str]:
    """Cancel calls and end the containers that work on them; those that could not be cancelled, and why."""
    limit = asyncio.Semaphore(20)

    async def cancel(name: str) -> str | None:
        async with limit:
            try:
                call = modal.FunctionCall.from_id(name)
                await asyncio.wait_for(call.cancel.aio(terminate_containers=True), _CANCEL_LIMIT)
            except modal.exception.NotFoundError:
                return None  # it ended long ago
            except Exception as error:
                return _words(error)
        return None

    answers = await asyncio.gather(*(cancel(name) for name in names))
    return {name: why for name, why in zip(names, answers, strict=True) if why is not None}


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (
        lines[0] if lines and isinstance(error, ForgeError) else f"{type(error).__name__}: {lines[0] if lines else ''}"
    )


def _remote_error(answer: Answer) -> ForgeError:
    """The error that a Function answered with, as the one of ours that it was there."""
    kind = getattr(errors, str(answer["error"]), RemoteError)
    return kind(f"On Modal: {answer['message']}")
