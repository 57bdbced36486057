"""Who runs what: inputs wait, containers are started for them, die, are retried; and what a container asks for."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from cloud import Cloud, Container, Faults, Function, Input, Result
from cloud_containers import BASE_PYTHON, Containers
from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2

MAX_CRASHES = 4
"""So many containers may die under an input before it fails."""

MAX_FAILED_STARTS = 2
"""So many containers in a row may end before they ask for an input; then the function's inputs fail."""


class Scheduler:
    """The queue of every function, and the calls that containers make."""

    def __init__(self, cloud: Cloud, containers: Containers) -> None:
        self.cloud = cloud
        self.containers = containers
        self.layout: Callable[[Any], api_pb2.AppLayout] | None = None
        containers.ended.append(self._ended)

    def definition(self, function: Function) -> api_pb2.Function:
        """A function's definition with the options that it was bound with."""
        if function.base is None or function.options is None:
            return function.definition
        definition, options = api_pb2.Function(), function.options
        definition.CopyFrom(self.definition(function.base))
        definition.resources.MergeFrom(options.resources)
        if options.HasField("retry_policy"):
            definition.retry_policy.CopyFrom(options.retry_policy)
        if options.HasField("concurrency_limit"):
            definition.concurrency_limit = options.concurrency_limit
            definition.autoscaler_settings.max_containers = options.concurrency_limit
        if options.HasField("timeout_secs"):
            definition.timeout_secs = options.timeout_secs
        if options.HasField("task_idle_timeout_secs"):
            definition.task_idle_timeout_secs = options.task_idle_timeout_secs
        definition.secret_ids.extend(options.secret_ids)
        if options.replace_volume_mounts:
            del definition.volume_mounts[:]
            definition.volume_mounts.extend(options.volume_mounts)
        return definition

    def put(self, entry: Input) -> None:
        """Let an input wait for a container."""
        entry.call.function.pending.append(entry)
        if (wait := entry.not_before - time.monotonic()) > 0:
            asyncio.get_running_loop().call_later(wait + 0.01, self.schedule, entry.call.function)
        self.schedule(entry.call.function)

    def schedule(self, function: Function) -> None:
        """Start the containers that waiting inputs need, within the limits, and wake those that are idle."""
        self.cloud.changed(function.id)
        mine = [one for one in self.cloud.live() if one.function is function and not one.retiring]
        definition, now = self.definition(function), time.monotonic()
        limit = definition.autoscaler_settings.max_containers or definition.concurrency_limit or 1000
        idle = sum(one.input is None for one in mine)
        ready = islice((entry for entry in function.pending if entry.not_before <= now), idle + limit)
        for _ in range(min(sum(1 for _ in ready) - idle, limit - len(mine))):
            if not self._room(function):
                break
            self._start(function, definition)

    def _schedule_all(self) -> None:
        for function in [one for one in self.cloud.functions.values() if one.pending]:
            self.schedule(function)

    def _room(self, function: Function) -> bool:
        """Whether one more container may start; when not, an idle one of another function is asked to end."""
        others = [one for one in self.cloud.live() if one.function]
        if len(others) < self.cloud.max_containers:
            return True
        if any(one.retiring for one in others):
            return False
        for one in others:
            if one.function is not function and one.input is None and one.started_at:
                self.containers.retire(one)
                break
        return False

    def _start(self, function: Function, definition: api_pb2.Function) -> None:
        assert self.layout is not None
        layout = self.layout(self.cloud.app(function.app_id))
        arguments = self.containers.function_arguments(function.id, function.app_id, definition, layout)
        command = [BASE_PYTHON, "-m", "modal._container_entrypoint"]
        container = self.containers.start(function.app_id, command, definition, arguments=arguments)
        container.function = function

    def finish(self, entry: Input, result: Result, data_format: int = api_pb2.DATA_FORMAT_PICKLE) -> None:
        """Record what became of an input, once."""
        if entry.done:
            return
        entry.done = True
        entry.call.outputs.append(
            api_pb2.FunctionGetOutputsItem(
                result=result,
                idx=entry.index,
                input_id=entry.id,
                data_format=data_format,  # pyright: ignore[reportArgumentType]
                output_created_at=time.time(),
            )
        )
        self.cloud.changed(entry.call.id)

    def drop(self, function: Function, entries: list[Input]) -> list[Input]:
        """Take inputs out of a function's queue, if they are there."""
        for entry in entries:
            with suppress(ValueError):
                function.pending.remove(entry)
        return entries

    def _failed(self, entry: Input, result: Result, data_format: int = api_pb2.DATA_FORMAT_PICKLE) -> None:
        """Try again as the function's retry policy says, or record the failure."""
        policy = self.definition(entry.call.function).retry_policy
        entry.attempt += 1
        if entry.done or entry.call.cancelled or entry.attempt > policy.retries:
            self.finish(entry, result, data_format)
            return
        delay = policy.initial_delay_ms / 1000 * (policy.backoff_coefficient or 1) ** (entry.attempt - 1)
        entry.not_before = time.monotonic() + delay
        self.put(entry)

    def _ended(self, container: Container) -> None:
        """A container is gone: what it was working on goes to another one."""
        function, entry = container.function, container.input
        if function is None:
            return
        container.input = None
        if entry and not entry.done:
            entry.crashes += not container.retiring
            if entry.crashes >= MAX_CRASHES:
                died = Result(status=Result.GENERIC_STATUS_INTERNAL_FAILURE, exception="The container died again")
                self._failed(entry, died)
            else:
                self.put(entry)
        elif not container.started_at and not container.retiring:
            function.failed_starts += 1
            if function.failed_starts >= MAX_FAILED_STARTS:
                told = f"The container ended with exit code {container.exit_code} before it took an input"
                fallback = Result(status=Result.GENERIC_STATUS_INTERNAL_FAILURE, exception=told)
                function.failed_starts = 0
                for waiting in self.drop(function, list(function.pending)):
                    self.finish(waiting, container.result or fallback, api_pb2.DATA_FORMAT_UNSPECIFIED)
        self._schedule_all()

    async def ContainerHello(self, request: Any, caller: Container | None) -> Any:
        return Empty()

    async def ContainerHeartbeat(self, request: Any, caller: Container | None) -> Any:
        """Answers at once when there is something to cancel, or after a while."""
        me = _container(caller)
        if not await self.cloud.until(me.id, lambda: bool(me.cancelled), 10):
            return api_pb2.ContainerHeartbeatResponse()
        event = api_pb2.CancelInputEvent(input_ids=list(me.cancelled))
        me.cancelled.clear()
        return api_pb2.ContainerHeartbeatResponse(cancel_input_event=event)

    async def TaskResult(self, request: api_pb2.TaskResultRequest, caller: Container | None) -> Any:
        _container(caller).result = request.result
        return Empty()

    async def FunctionGetInputs(self, request: api_pb2.FunctionGetInputsRequest, caller: Container | None) -> Any:
        me = _container(caller)
        function = self.cloud.function(request.function_id)
        me.started_at, function.failed_starts = me.started_at or time.time(), 0
        if self._next(function) is None:
            self._schedule_all()  # another function may wait for this container's place
        idle = self.definition(function).task_idle_timeout_secs or 60
        while await self.cloud.until(
            function.id, lambda: me.retiring or self._next(function) is not None, min(idle, 50)
        ):
            entry = self._next(function)
            if me.retiring or me.exit_code is not None or entry is None:
                break
            function.pending.remove(entry)
            if Faults.take(self.cloud.faults.fail, entry.number):
                told = "This attempt was told to fail"
                self._failed(entry, Result(status=Result.GENERIC_STATUS_FAILURE, exception=told))
                continue
            self._deliver(me, entry)
            item = api_pb2.FunctionGetInputsItem(
                input_id=entry.id,
                input=entry.message,
                function_call_id=entry.call.id,
                function_call_invocation_type=api_pb2.FUNCTION_CALL_INVOCATION_TYPE_ASYNC
                if entry.call.asynchronous
                else api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC,
                retry_count=entry.attempt,
            )
            return api_pb2.FunctionGetInputsResponse(inputs=[item])
        me.retiring = True
        return api_pb2.FunctionGetInputsResponse(inputs=[api_pb2.FunctionGetInputsItem(kill_switch=True)])

    def _next(self, function: Function) -> Input | None:
        now = time.monotonic()
        return next((entry for entry in function.pending if entry.not_before <= now), None)

    def _deliver(self, container: Container, entry: Input) -> None:
        container.input = entry
        faults, loop = self.cloud.faults, asyncio.get_running_loop()
        timeout = self.definition(entry.call.function).timeout_secs or 300
        loop.call_later(timeout, self._timed_out, container, entry)
        container.dies = Faults.take(faults.die, entry.number)
        if container.dies:
            loop.call_later(faults.die_after, self._kill_at, container, entry)
        if entry.number in faults.twice:
            faults.twice.discard(entry.number)
            loop.call_soon(partial(self.put, entry))

    def _kill_at(self, container: Container, entry: Input) -> None:
        if container.input is entry:
            self.containers.kill(container)

    def _timed_out(self, container: Container, entry: Input) -> None:
        if container.input is entry and not entry.done:
            container.input, container.retiring = None, True
            self.containers.kill(container)
            self._failed(entry, Result(status=Result.GENERIC_STATUS_TIMEOUT, exception="The function timed out"))

    async def FunctionPutOutputs(self, request: api_pb2.FunctionPutOutputsRequest, caller: Container | None) -> Any:
        me = _container(caller)
        for output in request.outputs:
            entry = self.cloud.inputs[output.input_id]
            if me.dies:
                self.containers.kill(me)
                raise GRPCError(Status.UNAVAILABLE, "this container is dead")
            me.input = None
            if output.result.status == Result.GENERIC_STATUS_SUCCESS and entry.number in self.cloud.faults.again:
                self.cloud.faults.again.discard(entry.number)
                self.put(entry)
            elif output.result.status in (Result.GENERIC_STATUS_SUCCESS, Result.GENERIC_STATUS_TERMINATED):
                self.finish(entry, output.result, output.data_format)
            else:
                self._failed(entry, output.result, output.data_format)
        return Empty()


def _container(caller: Container | None) -> Container:
    if caller is None:
        raise GRPCError(Status.PERMISSION_DENIED, "only a container can ask that")
    return caller
