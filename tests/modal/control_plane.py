"""A control plane of Modal's for tests: the real client talks to it, and functions really run, on this machine.

    with ControlPlane(folder) as plane:          # or the fixture `control_plane`
        os.environ.update(plane.environment)     # MODAL_SERVER_URL, MODAL_TOKEN_ID, ...
        app.deploy()
        modal.Function.from_name("app", "function").remote(3)

Inputs are executed by `python -m modal._container_entrypoint` in processes of their own, at most `max_containers` at a
time. Such a process sees the uploaded files and the installed packages, but not this checkout: a module left out of
the image is missing there. Its environment holds the image's and the secrets' variables and nothing of the caller's.
A Volume lies in `volume_root / <its name>`; a container works on a copy, and what it does not commit is lost. There
is no file system around the process, so a function must find its Volume through a variable, for example
`image.env({"DATA": "/data"})` with `volumes={"/data": volume}`: variables that name a place below a Volume's path are
rewritten to where it really is.

`plane.faults` makes things go wrong, `plane.calls` tells what was asked, `plane.running()` what runs, `plane.logs()`
what the containers wrote. `python tests/modal/control_plane.py` runs one by hand.

What it cannot prove: that an image builds, that Modal finds a GPU and calls it so, quotas, real preemption, how long
a Volume or the start of a container takes, prices.
"""

import asyncio
import inspect
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import modal
from cloud import App, Cloud, Container, Faults, Input
from cloud_apps import Apps
from cloud_containers import Containers
from cloud_files import Files
from cloud_functions import Functions
from cloud_sandboxes import Sandboxes
from cloud_scheduler import Scheduler
from cloud_volumes import Volumes
from google.protobuf.message import Message
from grpclib import GRPCError, Status
from grpclib.protocol import H2Protocol
from grpclib.server import Server
from modal_proto.api_grpc import ModalClientBase
from modal_proto.task_command_router_grpc import TaskCommandRouterBase

T = TypeVar("T")
TOKEN = ("ak-local", "as-local")


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a client or a container: the name of the RPC, its request and which container asked, if any."""

    name: str
    request: Message
    container: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """Live processes, the inputs they work on and the inputs that wait; false when there is none of all that."""

    containers: list[Container]
    inputs: list[Input]
    waiting: list[Input]

    def __bool__(self) -> bool:
        return bool(self.inputs or self.waiting)


class _Server(Server):
    """grpclib's server, which can be closed under clients that stay connected, as the real client does."""

    def __init__(self, handlers: list[Any]) -> None:
        super().__init__(handlers)
        self._protocols: list[H2Protocol] = []

    def _protocol_factory(self) -> H2Protocol:
        self._protocols.append(super()._protocol_factory())
        return self._protocols[-1]

    async def drop(self) -> None:
        """Close the listening socket and every connection."""
        self.close()
        await self.wait_closed()
        for protocol in self._protocols:
            protocol.connection.close()
        await asyncio.sleep(0.01)


class ControlPlane:
    """The local control plane; a context manager. Start, stop and everything in between on one thread of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        max_containers: int = 2,
        container_environment: dict[str, str] | None = None,
        checkout: Path | None = None,
    ) -> None:
        """`checkout` lends its compiled kernels to the containers, as a warm image would."""
        self.folder = folder
        self._limits: dict[str, Any] = {
            "max_containers": max_containers,
            "environment": container_environment or {},
            "checkout": checkout,
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="control plane", daemon=True)
        self.calls: list[Asked] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where the client finds it."""
        return self._cloud.url

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this control plane and nothing else."""
        return {
            "MODAL_SERVER_URL": self.url,
            "MODAL_TOKEN_ID": TOKEN[0],
            "MODAL_TOKEN_SECRET": TOKEN[1],
            "MODAL_ENVIRONMENT": "main",
            "MODAL_BUILD_VALIDATION": "ignore",  # whoever edits a file in the meantime breaks no test
            "MODAL_CONFIG_PATH": str(self.folder / "no-such-file.toml"),
        }

    @property
    def volume_root(self) -> Path:
        """The folder with a folder for every Volume, which holds what has been committed to it."""
        return self._volumes.root

    def let_die(self, seconds: float | None) -> None:
        """After how many seconds without a heartbeat an ephemeral App is stopped; None = never."""
        self._cloud.heartbeat_life = seconds

    def cut_off(self, seconds: float) -> None:
        """For so long no client gets an answer."""
        self.faults.outage = time.monotonic() + seconds

    def live_apps(self) -> list[App]:
        """The Apps that have not been stopped."""
        return [app for app in self._cloud.apps.values() if not app.stopped_at]

    def make_volume(self, name: str) -> None:
        """A Volume with nothing in it, as a client would make it."""
        modal.Volume.objects.create(name, allow_existing=True, version=2)

    @property
    def faults(self) -> Faults:
        """What is to go wrong from now on."""
        return self._cloud.faults

    def running(self) -> Running:
        """What runs and waits just now."""

        async def look() -> Running:
            live = self._cloud.live()
            waiting = [entry for function in self._cloud.functions.values() for entry in function.pending]
            return Running(live, [one.input for one in live if one.input], waiting)

        return self._do(look())

    def inputs(self) -> list[Input]:
        """Every input since the last reset; its place in the list is the number that `faults` knows it by."""
        return list(self._cloud.inputs.values())

    def containers(self) -> list[Container]:
        """Every container since the last reset, those that have ended, too."""
        return list(self._cloud.containers.values())

    def logs(self) -> str:
        """What all containers have written, in the order in which they started."""
        return "".join(
            one.log.read_text(errors="replace") for one in self._cloud.containers.values() if one.log.exists()
        )

    def wait(self, predicate: Callable[[Running], bool], seconds: float = 60) -> Running:
        """Wait until what runs is as wanted; TimeoutError, with all that the containers wrote, when it is not."""
        deadline = time.monotonic() + seconds
        while not predicate(running := self.running()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not so after {seconds} s: {running}\n{self.logs()}")
            time.sleep(0.05)
        return running

    def kill(self, container: Container) -> None:
        """Kill -9 one container."""
        self._loop.call_soon_threadsafe(self._containers.kill, container)

    def end(self) -> None:
        """Kill all containers and forget what waits for one."""
        self._do(self._containers.end_all())

    def reset(self) -> None:
        """Kill what runs and forget apps, calls, faults and the contents of Volumes."""

        async def forget() -> None:
            await self._containers.end_all()
            self._cloud.forget()
            self._volumes.empty()

        self._do(forget())
        self.calls.clear()

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _open(self) -> None:
        self._cloud = Cloud(self.folder, **self._limits)
        self._files = Files(self._cloud)
        self._volumes = Volumes(self._cloud, self._files)
        self._containers = Containers(self._cloud, self._files, self._volumes)
        scheduler = Scheduler(self._cloud, self._containers)
        functions = Functions(self._cloud, self._containers, scheduler)
        scheduler.layout = functions.layout
        apps = Apps(self._cloud, self._containers, functions)
        sandboxes = Sandboxes(self._cloud, self._containers, self._volumes)
        rooms = [self._files, self._volumes, scheduler, functions, apps, sandboxes]
        self._server = _Server([self._service(rooms, base) for base in (ModalClientBase, TaskCommandRouterBase)])
        self._watch = asyncio.get_running_loop().create_task(apps.watch())
        await self._files.open()
        await self._server.start("127.0.0.1", 0)
        assert self._server._server is not None
        self._cloud.url = f"http://127.0.0.1:{self._server._server.sockets[0].getsockname()[1]}"  # pyright: ignore

    async def _close(self) -> None:
        self._watch.cancel()
        await self._containers.close()
        await self._server.drop()
        await self._files.close()

    def _service(self, rooms: list[object], base: type[Any]) -> Any:
        """An object with every RPC of one of Modal's interfaces: those that a room has, a refusal for the others."""
        names = base.__abstractmethods__
        methods = {name: getattr(room, name) for room in rooms for name in dir(room) if name in names}
        rpcs = {name: self._rpc(name, methods.get(name)) for name in names}
        return type("Service", (base,), rpcs)()

    def _rpc(self, name: str, method: Callable[..., Any] | None) -> Any:
        async def rpc(_: Any, stream: Any) -> None:
            request = await stream.recv_message()
            caller = self._caller(stream.metadata)
            self.calls.append(Asked(name, request, caller.id if caller else None))
            if caller is None and time.monotonic() < self.faults.outage:
                raise GRPCError(Status.UNAVAILABLE, "there is no network")
            if Faults.take(self.faults.exhausted, name):
                raise GRPCError(Status.RESOURCE_EXHAUSTED, "too many of them")
            if Faults.take(self.faults.broken, name):
                raise GRPCError(Status.UNAVAILABLE, "the connection was lost")
            if method is None:
                raise GRPCError(Status.UNIMPLEMENTED, f"the local control plane does not know {name}")
            if inspect.isasyncgenfunction(method):
                async for message in method(request, caller):
                    await stream.send_message(message)
            else:
                await stream.send_message(await method(request, caller))

        return rpc

    def _caller(self, metadata: Any) -> Container | None:
        """The container that calls; None for a client with the right token, UNAUTHENTICATED for any other."""
        if container := self._cloud.containers.get(metadata.get("x-container", "")):
            return container
        if metadata.get("authorization") == f"Bearer {self._cloud.ticket}":
            return None
        if (metadata.get("x-modal-token-id"), metadata.get("x-modal-token-secret")) != TOKEN:
            raise GRPCError(Status.UNAUTHENTICATED, "Token validation failed")
        return None


def for_forge(folder: Path, *, max_containers: int = 2) -> ControlPlane:
    """A control plane in which this project's App finds its Volume, and kernels that are compiled already."""
    variables = {"FORGE_VOLUME": "/volume"}
    root = Path(__file__).parents[2]
    return ControlPlane(folder, max_containers=max_containers, container_environment=variables, checkout=root)


def main() -> None:
    """Run a control plane until Ctrl-C, and say how to use it."""
    with tempfile.TemporaryDirectory() as folder, for_forge(Path(folder)) as plane:
        exports = [f"export {name}={shlex.quote(text)}\n" for name, text in plane.environment.items()]
        sys.stdout.write("".join(exports) + f"# Volumes: {plane.volume_root}; Ctrl-C ends it\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
