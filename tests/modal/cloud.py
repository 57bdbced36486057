"""What the local control plane knows: apps, functions, calls, inputs, containers, and the faults it is to make."""

import asyncio
import secrets
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from grpclib import GRPCError, Status
from modal._utils.jwt_utils import DecodedJwt
from modal_proto import api_pb2

GPUS = frozenset({"T4", "L4", "A10", "A10G", "L40S", "A100", "A100-40GB", "A100-80GB", "H100", "H100!", "H200", "B200"})
"""The GPU names that the plane takes for good; what Modal takes today only Modal can say."""

Result = api_pb2.GenericResult
T = TypeVar("T")


def new_id(prefix: str) -> str:
    """An id of the form that the client expects, such as ap- and 22 letters or digits."""
    return f"{prefix}-{secrets.token_hex(11)}"


@dataclass(slots=True)
class Faults:
    """What is to go wrong. Inputs are counted from 0 in the order in which they reached the plane since its last reset.

    fail       input -> how many of its attempts fail before any code of ours runs
    die        input -> how many of its attempts end with `kill -9` of the container, before the result is taken
    die_after  seconds until such a container dies, if it has not tried to hand in its result by then
    again      inputs whose first finished result is lost (a container preempted too late): they run once more
    twice      inputs that are delivered a second time while the first delivery runs
    delay      input -> seconds until it is delivered
    conflicts  how many commits of a Volume fail with a conflict
    cut        how many downloads from a Volume break off half way
    broken     name of an RPC -> how many of its calls break off before the plane has read them
    exhausted  name of an RPC -> how many of its calls are refused as too many
    outage     until when, on the monotonic clock, no client (but every container) gets an answer
    slow_stop  seconds that stopping an App takes
    """

    fail: dict[int, int] = field(default_factory=dict[int, int])
    die: dict[int, int] = field(default_factory=dict[int, int])
    die_after: float = 0.5
    again: set[int] = field(default_factory=set[int])
    twice: set[int] = field(default_factory=set[int])
    delay: dict[int, float] = field(default_factory=dict[int, float])
    conflicts: int = 0
    cut: int = 0
    broken: dict[str, int] = field(default_factory=dict[str, int])
    exhausted: dict[str, int] = field(default_factory=dict[str, int])
    outage: float = 0.0
    slow_stop: float = 0.0

    @staticmethod
    def take(faults: dict[T, int], what: T) -> bool:
        """Whether this attempt of an input, or call of an RPC, is one of those that go wrong."""
        if faults.get(what, 0) <= 0:
            return False
        faults[what] -= 1
        return True


@dataclass(slots=True)
class App:
    id: str
    name: str
    state: int
    created_at: float = field(default_factory=time.time)
    stopped_at: float = 0.0
    function_ids: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    version: int = 0
    heard_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True, eq=False)
class Function:
    """A function of an app; one made by `with_options` differs from `base` by `options`."""

    id: str
    app_id: str
    definition: api_pb2.Function = field(repr=False)
    base: "Function | None" = field(default=None, repr=False)
    options: api_pb2.FunctionOptions | None = field(default=None, repr=False)
    pending: "deque[Input]" = field(default_factory=deque, repr=False)
    failed_starts: int = 0


@dataclass(slots=True, eq=False)
class Call:
    id: str
    function: Function
    asynchronous: bool
    inputs: "list[Input]" = field(default_factory=list, repr=False)
    outputs: list[api_pb2.FunctionGetOutputsItem] = field(default_factory=list, repr=False)
    cancelled: bool = False


@dataclass(slots=True, eq=False)
class Input:
    id: str
    number: int
    index: int
    call: Call
    message: api_pb2.FunctionInput = field(repr=False)
    attempt: int = 0
    crashes: int = 0
    done: bool = False
    not_before: float = 0.0


@dataclass(slots=True)
class Volume:
    """One that was forgotten is made anew by whatever is deployed with it: the client does not ask for it twice."""

    name: str
    version: int
    exists: bool = True


@dataclass(slots=True, eq=False)
class Container:
    """A process that runs a function or a Sandbox's command, and everything that it was given."""

    id: str
    app_id: str
    process: subprocess.Popen[bytes]
    folder: Path
    views: dict[str, Path] = field(repr=False)
    function: Function | None = None
    gpu: str = ""
    enqueued_at: float = field(default_factory=time.time)
    started_at: float = 0.0
    input: Input | None = None
    dies: bool = False
    retiring: bool = False
    result: Result | None = None
    exit_code: int | None = None
    cancelled: "deque[str]" = field(default_factory=deque[str])

    @property
    def log(self) -> Path:
        """Everything that the process has written to its standard output and error output."""
        return self.folder / "output.log"


@dataclass(slots=True)
class Sandbox:
    """A command that runs; `ended` is how it was made to end, if it was."""

    id: str
    container: Container
    name: str
    tags: dict[str, str]
    ended: int | None = None


class Cloud:
    """All that is known, on one event loop. `changed` tells those who wait in `until`."""

    def __init__(
        self, folder: Path, *, max_containers: int, environment: dict[str, str], checkout: Path | None
    ) -> None:
        self.folder = folder
        self.checkout = checkout
        self.max_containers = max_containers
        self.heartbeat_life: float | None = None
        """Seconds after its program's last heartbeat that an ephemeral App is stopped; None = it never is."""
        self.environment = environment
        """Variables of every container, as if they stood in its image."""
        self.url = ""
        self.files_url = ""
        self.ticket = DecodedJwt.encode_without_signature({"exp": time.time() + 86_400})
        """What a client that has shown its token may show instead."""
        self.images: dict[str, api_pb2.Image] = {}
        self.mounts: dict[str, list[api_pb2.MountFile]] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.volumes: dict[str, Volume] = {}
        self.forget()
        self._events: dict[str, asyncio.Event] = {}

    def forget(self) -> None:
        """Back to the beginning, but for what clients hold on to: images, mounts, secrets, the ids of Volumes."""
        for volume in self.volumes.values():
            volume.exists = False
        self.faults = Faults()
        self.apps: dict[str, App] = {}
        self.functions: dict[str, Function] = {}
        self.calls: dict[str, Call] = {}
        self.inputs: dict[str, Input] = {}
        self.containers: dict[str, Container] = {}
        self.sandboxes: dict[str, Sandbox] = {}

    def changed(self, topic: str) -> None:
        """Wake everyone who waits for something about a topic: the id of a function, a call, a container, an app."""
        if event := self._events.pop(topic, None):
            event.set()

    async def until(self, topic: str, predicate: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, for at most so many seconds; whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not predicate():
                    await self._events.setdefault(topic, asyncio.Event()).wait()
        return predicate()

    def live(self) -> list[Container]:
        """The containers whose process has not ended."""
        return [container for container in self.containers.values() if container.exit_code is None]

    def app(self, app_id: str) -> App:
        return found(self.apps, app_id, "App")

    def function(self, function_id: str) -> Function:
        return found(self.functions, function_id, "Function")

    def call(self, call_id: str) -> Call:
        return found(self.calls, call_id, "FunctionCall")

    def volume(self, volume_id: str) -> Volume:
        volume = found(self.volumes, volume_id, "Volume")
        if not volume.exists:
            raise GRPCError(Status.NOT_FOUND, f"Volume {volume.name!r} not found in environment 'main'")
        return volume

    def deployed(self, name: str) -> App | None:
        """The app that is deployed under a name."""
        live = [app for app in self.apps.values() if app.name == name and app.state == api_pb2.APP_STATE_DEPLOYED]
        return live[-1] if live else None


def found(things: dict[str, T], key: str, kind: str) -> T:
    """The thing of that id; NOT_FOUND when there is none."""
    if key not in things:
        raise GRPCError(Status.NOT_FOUND, f"{kind} {key!r} not found")
    return things[key]


def check_gpu(resources: api_pb2.Resources) -> None:
    """INVALID_ARGUMENT when the resources name a GPU that is not on the list."""
    name = resources.gpu_config.gpu_type
    if name and name not in GPUS:
        raise GRPCError(Status.INVALID_ARGUMENT, f"Unknown GPU type {name!r}")
