"""Containers of the local control plane: processes of their own, which see what was uploaded and no more of ours."""

import asyncio
import filecmp
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from cloud import Cloud, Container, new_id
from cloud_files import Files
from cloud_volumes import Volumes
from modal_proto import api_pb2

BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
"""The interpreter below the virtual environment: it reads no .pth file there, so no editable install either."""

SITE_PACKAGES = os.pathsep.join(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


class Containers:
    """Starts processes with the mounts unpacked, the Volumes bound and the image's and secrets' variables set.

    There is no file system of its own around such a process. Its working folder is the unpacked /root, and every
    variable of its environment that names a path under a Volume or under /root is rewritten to where that really is;
    code that finds its Volume through such a variable needs no other provision.
    """

    def __init__(self, cloud: Cloud, files: Files, volumes: Volumes) -> None:
        self.cloud = cloud
        self.files = files
        self.volumes = volumes
        self.ended: list[Any] = []
        """Functions that are told when a container has ended."""
        self._waiters = ThreadPoolExecutor(max_workers=32, thread_name_prefix="container")
        self._tasks: set[asyncio.Task[None]] = set()

    async def end_all(self) -> None:
        """Kill every process and wait until it is gone."""
        for function in self.cloud.functions.values():
            function.pending.clear()
        for container in self.cloud.live():
            container.retiring, container.input = True, None
            self.kill(container)
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """End everything, for good."""
        await self.end_all()
        self._waiters.shutdown()

    def start(
        self,
        app_id: str,
        command: list[str],
        definition: api_pb2.Function | api_pb2.Sandbox,
        *,
        arguments: api_pb2.ContainerArguments | None = None,
    ) -> Container:
        """Start a process as a function or a Sandbox describes it."""
        container_id = arguments.task_id if arguments else new_id("ta")
        folder = self.cloud.folder / "containers" / container_id
        (folder / "tmp").mkdir(parents=True)
        root = self._root(definition)
        views: dict[str, Path] = {}
        places = {"/root": root / "root"}
        for mount in definition.volume_mounts:
            views[mount.volume_id] = folder / "volumes" / self.cloud.volume(mount.volume_id).name
            places[mount.mount_path.rstrip("/")] = views[mount.volume_id]
            self.volumes.view(mount.volume_id, views[mount.volume_id])
        environment = self._environment(container_id, definition, places) | {"TMPDIR": str(folder / "tmp")}
        if arguments:
            (folder / "arguments").write_bytes(arguments.SerializeToString())
            environment["MODAL_CONTAINER_ARGUMENTS_PATH"] = str(folder / "arguments")
        cwd = root / (getattr(definition, "workdir", "") or "/root").lstrip("/")
        cwd.mkdir(parents=True, exist_ok=True)
        with (folder / "output.log").open("wb") as output, (folder / "error.log").open("wb") as error:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output if arguments else error,
                start_new_session=True,
            )
        gpu = definition.resources.gpu_config.gpu_type
        container = Container(container_id, app_id, process, folder, views, gpu=gpu)
        self.cloud.containers[container_id] = container
        task = asyncio.get_running_loop().create_task(self._wait(container))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return container

    def kill(self, container: Container) -> None:
        """Kill -9 the process and all that it has started."""
        if container.exit_code is None:
            with suppress(ProcessLookupError):
                os.killpg(container.process.pid, signal.SIGKILL)
            _kill_strays(container)

    def retire(self, container: Container) -> None:
        """Let a container end as soon as it has nothing to do."""
        container.retiring = True
        if container.function:
            self.cloud.changed(container.function.id)

    async def _wait(self, container: Container) -> None:
        code = await asyncio.get_running_loop().run_in_executor(self._waiters, container.process.wait)
        with suppress(ProcessLookupError):
            os.killpg(container.process.pid, signal.SIGKILL)  # a container takes its children with it
        _kill_strays(container)
        container.exit_code = code
        for tell in self.ended:
            tell(container)
        self.cloud.changed(container.id)

    def _root(self, definition: api_pb2.Function | api_pb2.Sandbox) -> Path:
        """The folder that stands for /: what the image copied from here and what is mounted, unpacked once."""
        key = "-".join([definition.image_id, *sorted(definition.mount_ids)])
        root = self.cloud.folder / "roots" / f"{abs(hash(key)):x}"
        if not root.exists():
            partial = root.with_name(f"{root.name}.partial")
            (partial / "root").mkdir(parents=True)
            for image in self._layers(definition.image_id):
                copies = [line.split() for line in image.dockerfile_commands if line.startswith("COPY . ")]
                if image.context_mount_id and copies:
                    self.files.unpack(self.cloud.mounts[image.context_mount_id], partial / copies[0][2].strip("/"))
            for mount_id in definition.mount_ids:
                self.files.unpack(self.cloud.mounts[mount_id], partial)
            self._warm(partial / "root")
            partial.rename(root)
        return root

    def _warm(self, root: Path) -> None:
        """Hand on the kernels that the checkout has compiled from the same sources: compiling is not what is tested."""
        checkout = self.cloud.checkout or root
        for kernels in {path.parent for path in checkout.glob("forge_core/*/__pycache__/*.nbi")}:
            package, inside = kernels.parent, root / kernels.parent.relative_to(checkout)
            names = [path.name for path in package.glob("*.py")]
            if inside.exists() and filecmp.cmpfiles(package, inside, names, shallow=False)[0] == names:
                for name in names:
                    shutil.copystat(package / name, inside / name)
                shutil.copytree(kernels, inside / "__pycache__", ignore=shutil.ignore_patterns("*.pyc"))

    def _layers(self, image_id: str) -> list[api_pb2.Image]:
        """The image's definitions, the lowest first."""
        image = self.cloud.images.get(image_id)
        if image is None:
            return []
        below = [layer for base in image.base_images for layer in self._layers(base.image_id)]
        return [*below, image]

    def _environment(
        self, container_id: str, definition: api_pb2.Function | api_pb2.Sandbox, places: dict[str, Path]
    ) -> dict[str, str]:
        named = dict(self.cloud.environment)
        for image in self._layers(definition.image_id):
            for line in image.dockerfile_commands:
                if line.startswith("ENV ") and not line.startswith("ENV PATH="):
                    named |= dict(word.split("=", 1) for word in shlex.split(line)[1:])
        for secret_id in definition.secret_ids:
            named.update(self.cloud.secrets[secret_id])
        home = self.cloud.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(BASE_PYTHON).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            **{name: _rewritten(text, places) for name, text in named.items()},
            "PYTHONPATH": SITE_PACKAGES,
            "MODAL_SERVER_URL": self.cloud.url,
            "MODAL_OVERRIDE_HEADERS": f"x-container:{container_id}",
            "MODAL_TASK_ID": container_id,
            "MODAL_IMAGE_ID": definition.image_id,
            "MODAL_IS_REMOTE": "1",
            "MODAL_ENVIRONMENT": "main",
        }

    def function_arguments(
        self, function_id: str, app_id: str, definition: api_pb2.Function, layout: api_pb2.AppLayout
    ) -> api_pb2.ContainerArguments:
        """What Modal's container entry point reads when it starts."""
        return api_pb2.ContainerArguments(
            task_id=new_id("ta"),
            function_id=function_id,
            app_id=app_id,
            function_def=definition,
            environment_name="main",
            app_layout=layout,
        )


def _kill_strays(container: Container) -> None:
    """Kill what a container has started in process groups of their own; its environment tells whose it is."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"MODAL_TASK_ID={container.id}\0".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def _rewritten(text: str, places: dict[str, Path]) -> str:
    for path, place in places.items():
        if text == path or text.startswith(f"{path}/"):
            return str(place / PurePosixPath(text).relative_to(path))
    return text
