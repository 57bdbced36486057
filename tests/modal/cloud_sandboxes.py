"""Sandboxes of the local control plane: commands in processes of their own, with their output and exit codes."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cloud import Cloud, Container, Result, Sandbox, check_gpu, found, new_id
from cloud_containers import Containers
from cloud_volumes import Volumes
from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2
from modal_proto import task_command_router_pb2 as router

_POLL = 0.1  # seconds between two looks at a file that grows


class Sandboxes:
    """Sandbox* calls of both kinds: the older one may have a GPU, the newer tells its output by another service."""

    def __init__(self, cloud: Cloud, containers: Containers, volumes: Volumes) -> None:
        self.cloud = cloud
        self.volumes = volumes
        self.containers = containers
        containers.ended.append(self._ended)

    async def SandboxCreate(self, request: api_pb2.SandboxCreateRequest, caller: Container | None) -> Any:
        sandbox = self._create(request, new_id("sb"))
        return api_pb2.SandboxCreateResponse(sandbox_id=sandbox.id, metadata=self._metadata(sandbox))

    async def SandboxCreateV2(self, request: api_pb2.SandboxCreateV2Request, caller: Container | None) -> Any:
        for source in request.secret_sources:
            if source.WhichOneof("source") == "env":
                secret_id = new_id("st")
                self.cloud.secrets[secret_id] = dict(source.env.contents)
                request.definition.secret_ids.append(secret_id)
        sandbox = self._create(request, f"{new_id('sb')}V")
        return api_pb2.SandboxCreateV2Response(
            sandbox_id=sandbox.id, task_id=sandbox.container.id, metadata=self._metadata(sandbox)
        )

    def _create(
        self, request: api_pb2.SandboxCreateRequest | api_pb2.SandboxCreateV2Request, sandbox_id: str
    ) -> Sandbox:
        definition = request.definition
        check_gpu(definition.resources)
        self.cloud.app(request.app_id)
        live = [one for one in self.cloud.sandboxes.values() if one.container.exit_code is None]
        if definition.name and any(one.name == definition.name for one in live):
            raise GRPCError(Status.ALREADY_EXISTS, f"Sandbox with name {definition.name!r} already exists")
        command = ["/bin/sh", "-c", 'exec "$@"', "sh", *definition.entrypoint_args]  # 127 for what is not there
        container = self.containers.start(request.app_id, command, definition)
        container.started_at = time.time()
        tags = {tag.tag_name: tag.tag_value for tag in request.tags}
        sandbox = Sandbox(sandbox_id, container, definition.name, tags)
        self.cloud.sandboxes[sandbox.id] = sandbox
        if definition.timeout_secs:
            asyncio.get_running_loop().call_later(definition.timeout_secs, self._timed_out, sandbox)
        return sandbox

    async def SandboxGetTaskId(self, request: api_pb2.SandboxGetTaskIdRequest, caller: Container | None) -> Any:
        return api_pb2.SandboxGetTaskIdResponse(task_id=self._sandbox(request).container.id)

    async def SandboxWait(self, request: api_pb2.SandboxWaitRequest, caller: Container | None) -> Any:
        sandbox = self._sandbox(request)
        container = sandbox.container
        await self.cloud.until(container.id, lambda: container.exit_code is not None, request.timeout)
        return api_pb2.SandboxWaitResponse(result=_result(sandbox), metadata=self._metadata(sandbox))

    async def SandboxTerminate(self, request: api_pb2.SandboxTerminateRequest, caller: Container | None) -> Any:
        sandbox = self._sandbox(request)
        before = _result(sandbox)
        if sandbox.container.exit_code is None:
            sandbox.ended = Result.GENERIC_STATUS_TERMINATED
            self.containers.kill(sandbox.container)
        return api_pb2.SandboxTerminateResponse(existing_result=before)

    async def SandboxGetLogs(
        self, request: api_pb2.SandboxGetLogsRequest, caller: Container | None
    ) -> AsyncIterator[Any]:
        """The output or the error output, as it comes; the entry id is how many bytes have been told."""
        told = int(request.last_entry_id or 0)
        errors = request.file_descriptor == api_pb2.FILE_DESCRIPTOR_STDERR
        async for start, data in _follow(self._sandbox(request).container, told, errors=errors):
            told = start + len(data)
            item = api_pb2.TaskLogs(data=data.decode(errors="replace"), file_descriptor=request.file_descriptor)
            yield api_pb2.TaskLogsBatch(items=[item], entry_id=str(told))
        yield api_pb2.TaskLogsBatch(entry_id=str(told), eof=True)

    async def SandboxGetCommandRouterAccess(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.SandboxGetCommandRouterAccessResponse(url=self.cloud.url, jwt=self.cloud.ticket)

    async def SandboxStdioReadV2(self, request: Any, caller: Container | None) -> AsyncIterator[Any]:
        container = found(self.cloud.containers, request.task_id, "Container")
        errors = request.file_descriptor == router.SANDBOX_STDIO_FILE_DESCRIPTOR_STDERR
        async for start, data in _follow(container, request.offset, errors=errors):
            yield router.SandboxStdioReadV2Response(data=data, starting_offset=start)

    async def AuthTokenGet(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.AuthTokenGetResponse(token=self.cloud.ticket)

    async def SandboxList(self, request: api_pb2.SandboxListRequest, caller: Container | None) -> Any:
        wanted = {tag.tag_name: tag.tag_value for tag in request.tags}
        listed = [
            api_pb2.SandboxInfo(
                id=sandbox.id,
                created_at=sandbox.container.enqueued_at,
                app_id=sandbox.container.app_id,
                name=sandbox.name,
                task_info=api_pb2.TaskInfo(id=sandbox.container.id, result=_result(sandbox)),
                metadata=self._metadata(sandbox),
            )
            for sandbox in self.cloud.sandboxes.values()
            if wanted.items() <= sandbox.tags.items()
            and request.app_id in ("", sandbox.container.app_id)
            and (request.include_finished or sandbox.container.exit_code is None)
            and (not request.before_timestamp or sandbox.container.enqueued_at < request.before_timestamp)
        ]
        return api_pb2.SandboxListResponse(sandboxes=listed)

    async def SandboxTagsSet(self, request: api_pb2.SandboxTagsSetRequest, caller: Container | None) -> Any:
        self._sandbox(request).tags = {tag.tag_name: tag.tag_value for tag in request.tags}
        return Empty()

    async def SandboxTagsGet(self, request: api_pb2.SandboxTagsGetRequest, caller: Container | None) -> Any:
        tags = self._sandbox(request).tags.items()
        listed = [api_pb2.SandboxTag(tag_name=name, tag_value=text) for name, text in tags]
        return api_pb2.SandboxTagsGetResponse(tags=listed)

    SandboxGetTaskIdV2 = SandboxGetTaskId
    SandboxWaitV2 = SandboxWait
    SandboxTerminateV2 = SandboxTerminate
    SandboxListV2 = SandboxList
    SandboxTagsSetV2 = SandboxTagsSet
    SandboxTagsGetV2 = SandboxTagsGet

    def _sandbox(self, request: Any) -> Sandbox:
        return found(self.cloud.sandboxes, request.sandbox_id, "Sandbox")

    def _metadata(self, sandbox: Sandbox) -> api_pb2.SandboxHandleMetadata:
        return api_pb2.SandboxHandleMetadata(app_id=sandbox.container.app_id, result=_result(sandbox))

    def _ended(self, container: Container) -> None:
        """What a Sandbox has written to its Volumes is kept, however it ended."""
        if container.function is None:
            for volume_id in container.views:
                self.volumes.commit(container, volume_id)

    def _timed_out(self, sandbox: Sandbox) -> None:
        if sandbox.container.exit_code is None:
            sandbox.ended = Result.GENERIC_STATUS_TIMEOUT
            self.containers.kill(sandbox.container)


def _result(sandbox: Sandbox) -> Result:
    """How it ended; without a status while it runs. A process that a signal ended counts as 128 and the signal."""
    code = sandbox.container.exit_code
    if code is None:
        return Result()
    if sandbox.ended is not None:
        return Result(status=sandbox.ended)  # pyright: ignore[reportArgumentType]
    status = Result.GENERIC_STATUS_FAILURE if code else Result.GENERIC_STATUS_SUCCESS
    return Result(status=status, exitcode=code if code >= 0 else 128 - code)


async def _follow(container: Container, start: int, *, errors: bool) -> AsyncIterator[tuple[int, bytes]]:
    """The output or the error output from a byte on, as it comes, until the process has ended."""
    path = container.folder / "error.log" if errors else container.log
    while True:
        ended = container.exit_code is not None
        if data := _read(path, start):
            yield start, data
            start += len(data)
        elif ended:
            return
        else:
            await asyncio.sleep(_POLL)


def _read(path: Path, start: int) -> bytes:
    """What follows in a file, up to the end of a line if there is one."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(1 << 16)
    return data[: data.rfind(b"\n") + 1] or data
