"""Where the worker's flow runs take place: a process in a container, started, watched and ended through one interface.

`ModalSandboxes` is the real one. The worker knows nothing of Modal, so that another home for flow runs, or a test, only
has to offer the same six methods.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from forge_core.errors import RemoteError

if TYPE_CHECKING:
    import modal

APP = "crystal-forge-flow-runs"
"""The App to which all Sandboxes of the worker belong, and by which they are found again."""

CODE = "/root"
"""Where our packages lie in a container, unless the deployment names another folder."""

_FOLDERS = ("configs", "deployments", "flows", "forge_core", "forge_view", "models", "tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRequest:
    """A flow run's container.

    command    the program and its arguments
    directory  the folder in which it starts, with our packages in it when the image is ours
    image      an image of a registry that has Prefect and the code in it; None = ours
    env        variables that anyone may see
    secret     variables that nobody may see
    secrets    names of Secrets of the Modal workspace, each a set of variables
    gpu        None = processor cores only
    cpu        physical cores
    memory     MiB
    timeout    seconds until the container is ended
    volumes    folder in the container -> name of a Volume; what is written there is kept
    region     where it may run; None = anywhere
    tags       by which it is found again
    """

    command: tuple[str, ...]
    directory: str = CODE
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    secret: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    secrets: tuple[str, ...] = ()
    gpu: str | None = None
    cpu: float = 1.0
    memory: int = 1024
    timeout: int = 3600
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    region: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class NoSuchSandbox(RemoteError):
    """There is no Sandbox of that id, or it has ended."""


class Sandboxes(Protocol):
    """A place where containers run. Ids are strings that survive a restart of the worker."""

    def reaches(self, url: str) -> bool:
        """Whether a container could reach an address, as far as can be told from the address."""
        ...

    async def create(self, request: SandboxRequest) -> str:
        """Start a container; its id. Raises what the provider has against it."""
        ...

    def output(self, sandbox_id: str) -> AsyncIterator[str]:
        """The lines of its output and error output as they come, until it has ended."""
        ...

    async def wait(self, sandbox_id: str) -> int:
        """Wait for its end; the exit code: 124 when its time was up, 137 when it was killed."""
        ...

    async def terminate(self, sandbox_id: str) -> None:
        """End it now; NoSuchSandbox when there is nothing to end."""
        ...

    async def live(self, tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The containers that run and have these tags: id -> all tags."""
        ...


class ModalSandboxes:
    """Sandboxes of Modal's. Needs the extra `modal`, and a token in the worker's environment."""

    def reaches(self, url: str) -> bool:
        """False for an address of this machine, unless Modal, too, is here (as in tests)."""
        from modal.config import config

        return not is_loopback(url) or is_loopback(str(config.get("server_url")))

    async def create(self, request: SandboxRequest) -> str:
        """Start a Sandbox; its image is built first if it has changed."""
        import modal

        app = await _app()
        secrets = [modal.Secret.from_name(name) for name in request.secrets]
        volumes: dict[Any, Any] = {
            path: modal.Volume.from_name(name, create_if_missing=True, version=2)
            for path, name in request.volumes.items()
        }
        sandbox = await modal.Sandbox.create.aio(
            *request.command,
            app=app,
            image=_image(request),
            env=dict(request.env),
            secrets=[*secrets, modal.Secret.from_dict(dict(request.secret))],
            gpu=request.gpu,
            cpu=request.cpu,
            memory=request.memory,
            timeout=request.timeout,
            volumes=volumes,
            region=request.region,
            workdir=request.directory,
            tags=dict(request.tags),
        )
        return sandbox.object_id

    async def output(self, sandbox_id: str) -> AsyncIterator[str]:
        """Both streams, merged line by line."""
        sandbox = await _found(sandbox_id)
        lines: asyncio.Queue[str | None] = asyncio.Queue()

        async def read(stream: Any) -> None:
            try:
                async for line in stream:
                    lines.put_nowait(line.rstrip("\n"))
            finally:
                lines.put_nowait(None)

        readers = [asyncio.create_task(read(stream)) for stream in (sandbox.stdout, sandbox.stderr)]
        going = len(readers)
        try:
            while going:
                line = await lines.get()
                if line is None:
                    going -= 1
                else:
                    yield line
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()
            await sandbox.detach.aio()

    async def wait(self, sandbox_id: str) -> int:
        """The exit code, whatever ended it."""
        import modal

        sandbox = await _found(sandbox_id)
        try:
            await sandbox.wait.aio(raise_on_termination=False)
        except modal.exception.SandboxTimeoutError:
            return 124
        return 0 if sandbox.returncode is None else sandbox.returncode

    async def terminate(self, sandbox_id: str) -> None:
        """End it now."""
        sandbox = await _found(sandbox_id)
        if await sandbox.poll.aio() is not None:
            raise _gone(sandbox_id)
        await sandbox.terminate.aio(wait=True)

    async def live(self, tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The Sandboxes of our App that run and have these tags."""
        import modal

        app = await _app()
        listed = [one async for one in modal.Sandbox.list.aio(app_id=app.app_id, tags=dict(tags))]
        return {one.object_id: await one.get_tags.aio() for one in listed}


def is_loopback(url: str) -> bool:
    """Whether an address means the machine on which it is used."""
    host = urlparse(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


async def _app() -> "modal.App":
    """Our App; RemoteError, within seconds, when Modal cannot be reached or does not know us."""
    import modal

    from tasks.remote.connection import connect

    return await modal.App.lookup.aio(APP, client=await connect(), create_if_missing=True)


async def _found(sandbox_id: str) -> "modal.Sandbox":
    import modal

    try:
        return await modal.Sandbox.from_id.aio(sandbox_id)
    except modal.exception.NotFoundError as error:
        raise _gone(sandbox_id) from error


def _gone(sandbox_id: str) -> NoSuchSandbox:
    nothing = "look for others with `modal container list`; this one costs nothing any more"
    return NoSuchSandbox.of(got=f"Sandbox {sandbox_id}", expected="the id of one that runs", remedy=nothing)


def _image(request: SandboxRequest) -> "modal.Image":
    """The image that was asked for, or ours."""
    import modal

    if request.image:
        return modal.Image.from_registry(request.image)
    from tasks.remote.image import flow_image

    return flow_image(_FOLDERS, request.directory)
