"""The executor of Modal: an ephemeral App a command, whose Function makes blocks.

Nothing is deployed. The App is made from this checkout when there is something to make, and Modal stops it, with its
containers and what waits, as soon as this program leaves it or is gone: the dead man's switch is the service's.
"""

import asyncio
import getpass
import logging
import math
import os
import re
import socket
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import modal

from configs.modal import APP, GpuName, Place
from forge_core import errors
from forge_core.artifacts.collection import Block, Receipt
from forge_core.artifacts.listing import Source
from forge_core.errors import ForgeError, RemoteError
from tasks.remote import connection, volume
from tasks.remote.budget import Budget, Clock, limits
from tasks.remote.container import run_stage
from tasks.remote.cost import IDLE, STARTUP_LIMIT, Estimate, block_size_at, current_prices, estimate
from tasks.remote.image import MOUNT, stage_image
from tasks.remote.image import volume as our_volume
from tasks.remote.prices import Prices
from tasks.remote.running import first_of, run
from tasks.stage import Call, Context, Details, Machine, Stage

logger = logging.getLogger(__name__)

_TICK = 0.25  # seconds between two looks at the clock
_LEAVE = 9.0  # seconds that leaving the App may take; after that, its heartbeat ends it
_PAUSES = (1, 2, 4, 8, 15)  # seconds between two requests for the same map, when Modal had too many
_HOPELESS = 3  # blocks that failed before any has succeeded: the rest would fail as well


class ModalExecutor:
    """Runs calls on Modal. A budget holds for all that one of these is asked for, so a flow run makes one."""

    breadth = 100

    def __init__(self, place: Place, context: Context, *, items: int | None = None) -> None:
        """Args: where and for how much; what may be used here; how many items there will be in all, if known."""
        self.place = place
        self.budget = Budget(place.budget, agreed=place.agreed)
        self.context = context
        self._items = items
        self._prepared: dict[str, Receipt] = {}  # by their keys' digests, until they are brought

    def prepare(self, calls: Sequence[Call[Any]]) -> None:
        """See `Executor`; the files are then on the Volume."""
        blocks = [block for call in calls if call.stage.machine for block in self._blocks(call)]
        if blocks:
            self._prepared, failure = run(self._make(blocks))
            if failure is not None:
                raise failure

    def run(self, call: Call[Any], folder: Path, context: Context | None = None) -> Details:
        """See `Executor`. What has succeeded is brought even when other blocks failed."""
        if call.stage.machine is None:
            return call.run(context or self.context, folder)
        blocks = self._blocks(call)
        receipts, failure = run(self._make_and_bring(blocks, folder))
        if failure is not None:
            raise failure
        return merged([receipt.details for receipt in receipts])

    def _blocks(self, call: Call[Any]) -> list[Call[Any]]:
        """The call itself, or calls for a part of its items each."""
        stage = call.stage
        if stage.items is None:
            return [call]
        items, size = getattr(call.settings, stage.items), block_size_at(self.place, stage.name)
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        return [
            Call(stage, call.settings.model_copy(update={stage.items: part}), call.inputs, call.title) for part in parts
        ]

    async def _make_and_bring(
        self, calls: Sequence[Call[Any]], folder: Path
    ) -> tuple[list[Receipt], ForgeError | None]:
        receipts, failure = await self._make(calls)
        remote, stage = await connection.volume(), calls[0].stage
        files = [(block_of(call), receipts[call.key.digest]) for call in calls if call.key.digest in receipts]
        total = sum(len(receipt.files) for _, receipt in files)
        with self.context.progress(f"{stage.kind} from the Volume", total, "{files:.1f} files/s") as advance:
            for block, receipt in files:
                await volume.fetch(remote, block.files, receipt.files, folder, advance=lambda n: advance(n, files=n))
        return [receipt for _, receipt in files], failure

    async def _make(self, calls: Sequence[Call[Any]]) -> tuple[dict[str, Receipt], ForgeError | None]:
        """The receipts of calls by their keys' digests, from the Volume or made now; and why some are missing."""
        await connection.connect()
        remote = await connection.volume()
        keys = {call.key.digest: call for call in calls}
        receipts = {digest: self._prepared.pop(digest) for digest in keys if digest in self._prepared}
        unknown = {digest: block_of(call) for digest, call in keys.items() if digest not in receipts}
        receipts |= await volume.receipts(remote, unknown)
        missing = [call for digest, call in keys.items() if digest not in receipts]
        if not missing:
            return receipts, None
        sources: dict[str, Source] = {source.digest: source for call in missing for source in call.inputs}
        for source in sources.values():
            await volume.push(remote, source, what=f"an input of {missing[0].stage.name}")
        failures: list[BaseException] = []
        await self._run_app(missing, receipts, failures)
        return receipts, _failure(failures, self.place.retries + 1)

    async def _run_app(
        self, calls: Sequence[Call[Any]], receipts: dict[str, Receipt], failures: list[BaseException]
    ) -> None:
        """Make calls of one stage in an App of their own. Raises BudgetReached, RemoteError, what the stage raises."""
        stage = calls[0].stage
        machine = cast(Machine, stage.machine)
        computes_on_one = machine.gpu and (not stage.with_inputs or bool(calls[0].inputs))  # the exact oracle does not
        gpus = self.place.gpus if computes_on_one else ()
        if self.place.gpus and not gpus:
            logger.info("%-12s this computes on processor cores: no GPU is rented for it", "modal")
        prices = await current_prices()
        rate = max(prices.second(machine, gpu) for gpu in gpus or (None,))
        chosen = limits(self.place, machine, rate, left=self.budget.left, inputs=len(calls))
        items, unit = sum(call.items for call in calls), stage.items or "runs"
        what = f"{items:,} {unit} in {len(calls):,} inputs on {self.place.name}"
        self.budget.agree(what, self._expected(stage, gpus, prices, items=items, inputs=len(calls)))
        app = modal.App(_name(stage), tags=self._tags(stage), include_source=False)
        function = app.function(
            name=stage.name,
            image=stage_image(),
            gpu=list(gpus) or None,
            cpu=(machine.cores, machine.cores),  # with a limit: usage above what is reserved would be billed
            memory=(machine.memory * 1024, machine.memory * 1024),
            env={"FORGE_VOLUME": MOUNT, "FORGE_THREADS": str(machine.threads), "OMP_WAIT_POLICY": "PASSIVE"},
            volumes={MOUNT: our_volume()},
            max_containers=chosen.containers,
            timeout=chosen.time_limit,
            startup_timeout=STARTUP_LIMIT,
            retries=modal.Retries(max_retries=self.place.retries, initial_delay=0.0),
            scaledown_window=IDLE,
        )(run_stage)
        clock = Clock(chosen)
        try:
            async with _running(app):
                logger.info("%-12s App %s: `forge modal status` shows it", "modal", app.app_id)
                ask = partial(function.map.aio, kwargs={"gpu": bool(gpus)}, order_outputs=False, return_exceptions=True)
                await _watched(self._map(ask, calls, receipts, failures), app, clock)
        finally:
            self.budget.spent += clock.spent

    def _expected(
        self, stage: Stage[Any], gpus: Sequence[GpuName], prices: Prices, *, items: int, inputs: int
    ) -> Estimate:
        """What a command costs: with the dearest GPU that may be given, and all slices of a data set that is filled."""
        if stage.items is not None and self._items is not None and self._items > items:
            items, inputs = self._items, math.ceil(inputs * self._items / items)
        found = [estimate(stage, gpu, self.place, prices, items=items, inputs=inputs) for gpu in gpus or (None,)]
        return max(found, key=lambda each: each.at_most)

    async def _map(
        self, ask: Any, calls: Sequence[Call[Any]], receipts: dict[str, Receipt], failures: list[BaseException]
    ) -> None:
        """Make the calls by `ask`, the Function's map; ask again after a pause while Modal has too many requests, where
        its client gives up."""
        for pause in (*_PAUSES, None):
            waiting = [call for call in calls if call.key.digest not in receipts]
            try:
                await self._map_once(ask, waiting, receipts, failures)
                return
            except modal.exception.ResourceExhaustedError as error:
                if pause is None or failures:
                    raise
                logger.warning("%-12s %s: asking again in %d s", "modal", words_of(error), pause)
                await asyncio.sleep(pause)

    async def _map_once(
        self, ask: Any, calls: Sequence[Call[Any]], receipts: dict[str, Receipt], failures: list[BaseException]
    ) -> None:
        by_name = {block_of(call).name: call for call in calls}
        unit = calls[0].stage.items or "runs"
        answers = ask([call.key.model_dump(mode="json") for call in calls])
        total = sum(call.items for call in calls)
        with self.context.progress(f"{unit} on Modal", total, "{items:.1f} a second") as advance:
            async with aclosing(answers):
                async for answer in answers:
                    if isinstance(answer, BaseException):
                        failures.append(answer)
                        logger.warning("%-12s a block failed: %s", "modal", words_of(answer))
                        if not receipts and len(failures) >= min(_HOPELESS, len(calls)):
                            return
                        continue
                    receipt = _received(answer)
                    call = by_name[receipt.block]
                    receipts[call.key.digest] = receipt
                    advance(call.items, items=call.items)

    def _tags(self, stage: Stage[Any]) -> dict[str, str]:
        budget = "none" if self.place.budget is None else f"{self.place.budget:.2f}"
        return {"project": APP, "stage": stage.name, "budget": budget}


def _name(stage: Stage[Any]) -> str:
    """The name of an App: ours, for which stage, and which process on which machine it belongs to."""
    name = f"{APP}.{stage.name}.{getpass.getuser()}-{socket.gethostname()}-{os.getpid()}"
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:64]


def _received(answer: Mapping[str, Any]) -> Receipt:
    """The receipt in an answer. Raises the ForgeError that it tells of."""
    if "error" in answer:
        kind = getattr(errors, str(answer["error"]), RemoteError)
        raise kind(f"On Modal: {answer['message']}")
    return Receipt.model_validate(answer)


def block_of(call: Call[Any]) -> Block:
    """Where the files of a call lie on the Volume."""
    return Block(call.key, call.stage.items)


def merged(details: Iterable[Details]) -> dict[str, Any]:
    """The details of the parts of a call as those of the whole: lists one after the other, numbers added."""
    whole: dict[str, Any] = {}
    for part in details:
        for name, value in part.items():
            whole[name] = whole[name] + value if name in whole else value
    return whole


def words_of(error: BaseException) -> str:
    """The first line of an error, with its kind."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


@asynccontextmanager
async def _running(app: modal.App) -> AsyncGenerator[None]:
    """The App while the block runs. It is left however the block ends, also while signals go on coming in."""
    context = app.run()
    await context.__aenter__()
    try:
        yield
    finally:
        leaving = asyncio.ensure_future(context.__aexit__(None, None, None))
        deadline = asyncio.get_running_loop().time() + _LEAVE
        while not leaving.done() and asyncio.get_running_loop().time() < deadline:
            try:
                await asyncio.wait([leaving], timeout=_TICK)
            except asyncio.CancelledError:  # another Ctrl-C: leaving goes on
                continue
        if not leaving.done() or leaving.exception() is not None:
            logger.error(
                "%-12s the App %s may go on for a minute; `modal app stop %s`", "modal", app.app_id, app.app_id
            )


async def _watched(work: Any, app: modal.App, clock: Clock) -> None:
    """Work under the clock of the budget. What Modal has against it is a RemoteError."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_TICK)
            clock.check()
        await task
    except modal.exception.Error as error:
        raise RemoteError.of(
            got=f"from Modal, about the App {app.app_id}: {words_of(error)}",
            expected="its blocks",
            remedy="run the same command again: what was finished is kept",
        ) from error
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _failure(failures: Sequence[BaseException], attempts: int) -> ForgeError | None:
    if not failures:
        return None
    return RemoteError.of(
        got=f"{len(failures)} blocks that failed {attempts} times (the first: {words_of(first_of(failures[0]))})",
        expected="all of them to succeed",
        remedy="look at `modal app logs`; running the same command again tries only what is missing",
    )
