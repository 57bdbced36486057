"""Functions of the local control plane, as the client sees them: definitions, calls, inputs, outputs, cancelling."""

import hashlib
import time
from typing import Any

from cloud import App, Call, Cloud, Container, Function, Input, Result, check_gpu, found, new_id
from cloud_containers import Containers
from cloud_scheduler import Scheduler
from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2

LIVE = (api_pb2.APP_STATE_DEPLOYED, api_pb2.APP_STATE_EPHEMERAL, api_pb2.APP_STATE_DETACHED)


class Functions:
    """Function* and FunctionCall* calls."""

    def __init__(self, cloud: Cloud, containers: Containers, scheduler: Scheduler) -> None:
        self.cloud = cloud
        self.containers = containers
        self.scheduler = scheduler

    async def FunctionPrecreate(self, request: api_pb2.FunctionPrecreateRequest, caller: Container | None) -> Any:
        function_id = request.existing_function_id or new_id("fu")
        if function_id not in self.cloud.functions:
            definition = api_pb2.Function(function_name=request.function_name, function_type=request.function_type)
            self.cloud.functions[function_id] = Function(function_id, request.app_id, definition)
        metadata = self._metadata(self.cloud.functions[function_id])
        return api_pb2.FunctionPrecreateResponse(function_id=function_id, handle_metadata=metadata)

    async def FunctionCreate(self, request: api_pb2.FunctionCreateRequest, caller: Container | None) -> Any:
        data = request.function_data
        ranked = [entry.function for entry in data.ranked_functions] or [request.function]
        for choice in ranked:
            check_gpu(choice.resources)
            for mount in choice.volume_mounts:
                found(self.cloud.volumes, mount.volume_id, "Volume").exists = True
        function_id = request.existing_function_id or new_id("fu")
        function = self.cloud.functions.setdefault(function_id, Function(function_id, request.app_id, ranked[0]))
        function.definition = ranked[0]
        return api_pb2.FunctionCreateResponse(
            function_id=function_id,
            function=ranked[0],
            function_data=self._data(function),
            handle_metadata=self._metadata(function),
        )

    async def FunctionGet(self, request: api_pb2.FunctionGetRequest, caller: Container | None) -> Any:
        app = self.cloud.deployed(request.app_name)
        if app is None:
            raise GRPCError(Status.NOT_FOUND, f"App {request.app_name!r} not found in environment 'main'")
        if request.object_tag not in app.function_ids:
            raise GRPCError(Status.NOT_FOUND, f"App {request.app_name!r} has no function {request.object_tag!r}")
        function = self.cloud.function(app.function_ids[request.object_tag])
        return api_pb2.FunctionGetResponse(
            function_id=function.id, handle_metadata=self._metadata(function), function=self._data(function)
        )

    async def FunctionGetById(self, request: Any, caller: Container | None) -> Any:
        function = self.cloud.function(request.function_id)
        return api_pb2.FunctionGetByIdResponse(function=self._data(function), handle_metadata=self._metadata(function))

    async def FunctionBindParams(self, request: api_pb2.FunctionBindParamsRequest, caller: Container | None) -> Any:
        """Make what `with_options` asks for; the same options give the same function."""
        check_gpu(request.function_options.resources)
        base = self.cloud.function(request.function_id)
        digest = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
        bound = Function(f"fu-{digest[:22]}", base.app_id, base.definition, base, request.function_options)
        self.cloud.functions.setdefault(bound.id, bound)
        return api_pb2.FunctionBindParamsResponse(bound_function_id=bound.id, handle_metadata=self._metadata(bound))

    async def FunctionGetCurrentStats(self, request: Any, caller: Container | None) -> Any:
        function = self.cloud.function(request.function_id)
        running = [container for container in self.cloud.live() if container.function is function]
        return api_pb2.FunctionStats(backlog=len(function.pending), num_total_tasks=len(running))

    async def FunctionMap(self, request: api_pb2.FunctionMapRequest, caller: Container | None) -> Any:
        function = self.cloud.function(request.function_id)
        if self.cloud.app(function.app_id).state not in LIVE:
            raise GRPCError(Status.FAILED_PRECONDITION, "the app of this function is stopped")
        waits = request.function_call_invocation_type in (
            api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC,
            api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC_LEGACY,
        )
        call = Call(new_id("fc"), function, asynchronous=not waits)
        self.cloud.calls[call.id] = call
        return api_pb2.FunctionMapResponse(
            function_call_id=call.id,
            function_call_jwt=call.id,
            pipelined_inputs=self._enter(call, request.pipelined_inputs),
            retry_policy=self.scheduler.definition(function).retry_policy,
            sync_client_retries_enabled=False,
            max_inputs_outstanding=1000,
        )

    async def FunctionPutInputs(self, request: api_pb2.FunctionPutInputsRequest, caller: Container | None) -> Any:
        call = self.cloud.call(request.function_call_id)
        return api_pb2.FunctionPutInputsResponse(inputs=self._enter(call, request.inputs))

    def _enter(self, call: Call, items: Any) -> list[api_pb2.FunctionPutInputsResponseItem]:
        entered: list[api_pb2.FunctionPutInputsResponseItem] = []
        for item in items:
            number = len(self.cloud.inputs)
            new = Input(new_id("in"), number, item.idx, call, item.input)
            new.not_before = time.monotonic() + self.cloud.faults.delay.get(number, 0)
            self.cloud.inputs[new.id] = new
            call.inputs.append(new)
            entered.append(api_pb2.FunctionPutInputsResponseItem(idx=item.idx, input_id=new.id, input_jwt=new.id))
            self.scheduler.put(new)
        return entered

    async def FunctionFinishInputs(self, request: Any, caller: Container | None) -> Any:
        return Empty()

    async def FunctionGetOutputs(self, request: api_pb2.FunctionGetOutputsRequest, caller: Container | None) -> Any:
        call = self.cloud.call(request.function_call_id)
        start = int(request.last_entry_id.partition("-")[0] or 0)

        def wanted() -> list[api_pb2.FunctionGetOutputsItem]:
            outputs = call.outputs[start:]
            if request.HasField("start_idx"):
                outputs = [item for item in outputs if request.start_idx <= item.idx <= request.end_idx]
            return outputs

        await self.cloud.until(call.id, lambda: bool(wanted()), request.timeout)
        return api_pb2.FunctionGetOutputsResponse(
            outputs=wanted(),
            last_entry_id=f"{len(call.outputs)}-0",
            num_unfinished_inputs=len(call.inputs) - len(call.outputs),
        )

    async def FunctionCallFromId(self, request: Any, caller: Container | None) -> Any:
        call = self.cloud.call(request.function_call_id)
        metadata = api_pb2.FunctionCallHandleMetadata(app_id=call.function.app_id, function_id=call.function.id)
        count = len(call.inputs)
        return api_pb2.FunctionCallFromIdResponse(function_call_id=call.id, num_inputs=count, metadata=metadata)

    async def FunctionCallCancel(self, request: api_pb2.FunctionCallCancelRequest, caller: Container | None) -> Any:
        self.cancel(self.cloud.call(request.function_call_id), terminate=request.terminate_containers)
        return Empty()

    def cancel(self, call: Call, *, terminate: bool) -> None:
        """End a call: what waits is taken out, what runs is told to stop or, with `terminate`, killed."""
        call.cancelled = True
        terminated = Result(status=Result.GENERIC_STATUS_TERMINATED, exception="The input was cancelled")
        self.scheduler.drop(call.function, call.inputs)
        busy = {id(container.input): container for container in self.cloud.live() if container.input}
        for entry in call.inputs:
            container = busy.get(id(entry))
            if container and not terminate:
                container.cancelled.append(entry.id)
                self.cloud.changed(container.id)
                continue
            self.scheduler.finish(entry, terminated)
            if container:
                container.retiring = True
                self.containers.kill(container)

    def layout(self, app: App) -> api_pb2.AppLayout:
        """The app's functions and what they name, as a container or a second deployment is told of them."""
        named: dict[str, api_pb2.Object] = {}
        for function_id in app.function_ids.values():
            function = self.cloud.function(function_id)
            named[function_id] = api_pb2.Object(
                object_id=function_id, function_handle_metadata=self._metadata(function)
            )
            for dependency in function.definition.object_dependencies:
                named.setdefault(dependency.object_id, self._object(dependency.object_id))
        return api_pb2.AppLayout(objects=named.values(), function_ids=app.function_ids)

    def _object(self, object_id: str) -> api_pb2.Object:
        volume = self.cloud.volumes.get(object_id)
        if volume is None:
            return api_pb2.Object(object_id=object_id)
        version: Any = volume.version
        metadata = api_pb2.VolumeMetadata(version=version, name=volume.name)
        return api_pb2.Object(object_id=object_id, volume_metadata=metadata)

    def _metadata(self, function: Function) -> api_pb2.FunctionHandleMetadata:
        definition = function.definition
        return api_pb2.FunctionHandleMetadata(
            function_name=definition.function_name,
            function_type=definition.function_type,
            is_method=definition.is_method,
            definition_id=f"de-{function.id[3:]}",
            function_schema=definition.function_schema,
            supported_input_formats=definition.supported_input_formats,
            supported_output_formats=definition.supported_output_formats,
            app_id=function.app_id,
            base_function_id=function.base.id if function.base else "",
        )

    def _data(self, function: Function) -> api_pb2.FunctionData:
        definition = self.scheduler.definition(function)
        first = api_pb2.FunctionData.RankedFunction(rank=0, function=definition)
        return api_pb2.FunctionData(
            module_name=definition.module_name,
            function_name=definition.function_name,
            function_type=definition.function_type,
            ranked_functions=[first],
        )
