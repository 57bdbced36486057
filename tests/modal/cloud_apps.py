"""Apps, environments, images, secrets and the lists of what runs, as the local control plane answers for them."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

from cloud import App, Cloud, Container, Result, new_id
from cloud_containers import Containers
from cloud_functions import Functions
from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2

BUILDER_VERSION = "2025.06"


class Apps:
    """App*, Environment*, Image*, Secret*, Task* and ContainerStop calls."""

    def __init__(self, cloud: Cloud, containers: Containers, functions: Functions) -> None:
        self.cloud = cloud
        self.containers = containers
        self.functions = functions

    async def ClientHello(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.ClientHelloResponse(image_builder_version=BUILDER_VERSION)

    async def TokenInfoGet(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.TokenInfoGetResponse(token_id="ak-local", workspace_id="ac-local", workspace_name="local")

    async def WorkspaceNameLookup(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.WorkspaceNameLookupResponse(workspace_name="local", username="local")

    async def EnvironmentGetOrCreate(self, request: Any, caller: Container | None) -> Any:
        settings = api_pb2.EnvironmentSettings(image_builder_version=BUILDER_VERSION)
        metadata = api_pb2.EnvironmentMetadata(name=request.deployment_name or "main", settings=settings)
        return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-" + "0" * 22, metadata=metadata)

    async def EnvironmentList(self, request: Any, caller: Container | None) -> Any:
        item = api_pb2.EnvironmentListItem(name="main", default=True, environment_id="en-" + "0" * 22)
        return api_pb2.EnvironmentListResponse(items=[item])

    async def ImageGetOrCreate(self, request: api_pb2.ImageGetOrCreateRequest, caller: Container | None) -> Any:
        image_id = f"im-{hashlib.sha256(request.image.SerializeToString(deterministic=True)).hexdigest()[:22]}"
        self.cloud.images[image_id] = request.image
        metadata = api_pb2.ImageMetadata(python_version_info="Python 3.11", image_builder_version=BUILDER_VERSION)
        built = Result(status=Result.GENERIC_STATUS_SUCCESS)
        return api_pb2.ImageGetOrCreateResponse(image_id=image_id, result=built, metadata=metadata)

    async def SecretGetOrCreate(self, request: api_pb2.SecretGetOrCreateRequest, caller: Container | None) -> Any:
        name = request.deployment_name
        secret_id = f"st-{hashlib.sha256(name.encode()).hexdigest()[:22]}" if name else new_id("st")
        if request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
            if secret_id not in self.cloud.secrets:
                raise GRPCError(Status.NOT_FOUND, f"Secret {name!r} not found in environment 'main'")
        else:
            self.cloud.secrets[secret_id] = dict(request.env_dict)
        missing = [key for key in request.required_keys if key not in self.cloud.secrets[secret_id]]
        if missing:
            raise GRPCError(Status.FAILED_PRECONDITION, f"Secret is missing key(s): {', '.join(missing)}")
        return api_pb2.SecretGetOrCreateResponse(secret_id=secret_id, metadata=api_pb2.SecretMetadata(name=name))

    async def AppGetByDeploymentName(self, request: Any, caller: Container | None) -> Any:
        app = self.cloud.deployed(request.name)
        if app is None:
            return api_pb2.AppGetByDeploymentNameResponse(environment_name="main")
        lifecycle = self._lifecycle(app)
        return api_pb2.AppGetByDeploymentNameResponse(app_id=app.id, environment_name="main", lifecycle=lifecycle)

    async def AppGetLifecycle(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.AppGetLifecycleResponse(lifecycle=self._lifecycle(self.cloud.app(request.app_id)))

    def _lifecycle(self, app: App) -> api_pb2.AppLifecycle:
        return api_pb2.AppLifecycle(
            app_state=app.state,  # pyright: ignore[reportArgumentType]
            created_at=app.created_at,
            deployed_at=app.created_at,
            version=app.version,
            stopped_at=app.stopped_at,
        )

    async def AppCreate(self, request: api_pb2.AppCreateRequest, caller: Container | None) -> Any:
        app = App(new_id("ap"), request.description, request.app_state, tags=dict(request.tags))
        self.cloud.apps[app.id] = app
        return api_pb2.AppCreateResponse(app_id=app.id, app_page_url=f"http://localhost/{app.id}")

    async def AppGetOrCreate(self, request: api_pb2.AppGetOrCreateRequest, caller: Container | None) -> Any:
        app = self.cloud.deployed(request.app_name)
        if app is None:
            if request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
                raise GRPCError(Status.NOT_FOUND, f"App {request.app_name!r} not found in environment 'main'")
            app = App(new_id("ap"), request.app_name, api_pb2.APP_STATE_DEPLOYED)
            self.cloud.apps[app.id] = app
        metadata = api_pb2.AppHandleMetadata(description=app.name, app_id=app.id, environment_name="main")
        return api_pb2.AppGetOrCreateResponse(app_id=app.id, handle_metadata=metadata)

    async def AppGetLayout(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.AppGetLayoutResponse(app_layout=self.functions.layout(self.cloud.app(request.app_id)))

    async def AppPublish(self, request: api_pb2.AppPublishRequest, caller: Container | None) -> Any:
        app = self.cloud.app(request.app_id)
        app.name, app.state = request.name or app.name, request.app_state
        app.function_ids, app.version = dict(request.function_ids), app.version + 1
        app.tags.update(request.tags)
        for container in self.cloud.live():
            if container.app_id == app.id:
                self.containers.retire(container)  # it runs what was there before
        return api_pb2.AppPublishResponse(url=f"http://localhost/{app.id}", deployed_at=time.time())

    async def AppHeartbeat(self, request: Any, caller: Container | None) -> Any:
        self.cloud.app(request.app_id).heard_at = time.monotonic()
        return Empty()

    async def watch(self) -> None:
        """Stop the ephemeral Apps whose programs are not heard of any more, for ever."""
        while True:
            await asyncio.sleep(0.1)
            life = self.cloud.heartbeat_life
            for app in list(self.cloud.apps.values()):
                silent = life is not None and time.monotonic() - app.heard_at > life
                if silent and app.state in (api_pb2.APP_STATE_EPHEMERAL, api_pb2.APP_STATE_INITIALIZING):
                    self.stop(app)

    async def AppClientDisconnect(self, request: Any, caller: Container | None) -> Any:
        app = self.cloud.app(request.app_id)
        await asyncio.sleep(self.cloud.faults.slow_stop)
        if app.state in (api_pb2.APP_STATE_EPHEMERAL, api_pb2.APP_STATE_INITIALIZING):
            self.stop(app)
        return Empty()

    async def AppStop(self, request: Any, caller: Container | None) -> Any:
        self.stop(self.cloud.app(request.app_id))
        return Empty()

    async def AppSetTags(self, request: Any, caller: Container | None) -> Any:
        self.cloud.app(request.app_id).tags = dict(request.tags)
        return Empty()

    async def AppGetTags(self, request: Any, caller: Container | None) -> Any:
        return api_pb2.AppGetTagsResponse(tags=self.cloud.app(request.app_id).tags)

    def stop(self, app: App) -> None:
        """Cancel the app's calls and kill its containers."""
        app.state, app.stopped_at = api_pb2.APP_STATE_STOPPED, time.time()
        self.cloud.changed(app.id)
        for call in self.cloud.calls.values():
            if call.function.app_id == app.id:
                self.functions.cancel(call, terminate=True)
        for container in self.cloud.live():
            if container.app_id == app.id:
                container.retiring = True
                self.containers.kill(container)

    async def AppList(self, request: Any, caller: Container | None) -> Any:
        live = [container.app_id for container in self.cloud.live()]
        items = [
            api_pb2.AppListResponse.AppListItem(
                app_id=app.id,
                description=app.name,
                name=app.name if app.state == api_pb2.APP_STATE_DEPLOYED else "",
                state=app.state,  # pyright: ignore[reportArgumentType]
                created_at=app.created_at,
                stopped_at=app.stopped_at,
                n_running_tasks=live.count(app.id),
            )
            for app in self.cloud.apps.values()
        ]
        return api_pb2.AppListResponse(apps=items)

    async def AppGetLogs(self, request: Any, caller: Container | None) -> AsyncIterator[Any]:
        done = await self.cloud.until(request.app_id, lambda: self.cloud.app(request.app_id).stopped_at > 0, 50)
        yield api_pb2.TaskLogsBatch(entry_id=request.last_entry_id or "1-0", app_done=done)

    async def TaskList(self, request: api_pb2.TaskListRequest, caller: Container | None) -> Any:
        tasks = [
            api_pb2.TaskStats(
                task_id=container.id,
                app_id=container.app_id,
                app_description=self.cloud.app(container.app_id).name,
                started_at=container.started_at,
                enqueued_at=container.enqueued_at,
            )
            for container in self.cloud.live()
            if request.app_id in ("", container.app_id)
        ]
        return api_pb2.TaskListResponse(tasks=tasks)

    async def TaskGetInfo(self, request: Any, caller: Container | None) -> Any:
        container = self._container(request.task_id)
        finished = 0.0 if container.exit_code is None else time.time()
        info = api_pb2.TaskInfo(
            id=container.id,
            started_at=container.started_at,
            finished_at=finished,
            enqueued_at=container.enqueued_at,
            gpu_type=container.gpu,
        )
        return api_pb2.TaskGetInfoResponse(app_id=container.app_id, info=info)

    async def ContainerStop(self, request: api_pb2.ContainerStopRequest, caller: Container | None) -> Any:
        container = self._container(request.task_id)
        self.containers.retire(container)
        if not request.graceful:
            self.containers.kill(container)
        return api_pb2.ContainerStopResponse()

    def _container(self, task_id: str) -> Container:
        if task_id not in self.cloud.containers:
            raise GRPCError(Status.NOT_FOUND, f"Container {task_id!r} not found")
        return self.cloud.containers[task_id]
