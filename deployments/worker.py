"""A Prefect worker of type `modal`: every flow run of its work pool is a Modal Sandbox.

    prefect work-pool create --type modal gpu
    prefect worker start --pool gpu

Prefect finds it by the entry point in pyproject.toml. Its form is like that of Prefect Cloud's `modal:push` pools. The
Sandbox reports to the Prefect API by itself, so the API must have an address that Modal's machines reach. A run that is
cancelled is stopped by Prefect inside the Sandbox; one that has not begun, or does not stop, by the worker.
"""

import asyncio
import shlex
import time
from collections import deque
from typing import Any, ClassVar
from uuid import UUID

import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import InfrastructureNotFound, ObjectNotFound
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from pydantic import Field, PrivateAttr

from configs.modal import GpuName
from deployments.sandboxes import CODE, ModalSandboxes, NoSuchSandbox, Sandboxes, SandboxRequest
from forge_core.errors import InputError

_SECRET = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_CLIENT_CUSTOM_HEADERS")
_CARRIED = (*_SECRET, "PREFECT_API_URL", "PREFECT_API_REQUEST_TIMEOUT", "PREFECT_LOGGING_LEVEL")
"""What of the worker's own settings holds in a Sandbox, too; its folders, database and certificates do not."""

_ENVIRONMENT = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_WAIT_POLICY": "PASSIVE",
}

_POLL = 3.0  # seconds between two looks at what has become of a run
_GRACE = 30.0  # seconds that a Sandbox has to end by itself once its run is over or to be cancelled
_TAIL = 30  # lines of output that a run which ended badly shows
_END = {
    0: "The Sandbox ended, but not the flow run.",  # `flow-run execute` ends so even when its flow was killed
    124: "The Sandbox's time was up: the field `timeout` says how long it may run.",
    127: "The Sandbox's command is not in its image.",
    137: "The Sandbox was killed, by someone or for lack of memory.",
}
_RUN, _POOL = "flow-run", "work-pool"


class ModalVariables(BaseVariables):
    """The fields of the work pool's form."""

    image: str | None = Field(
        default=None,
        description="An image of a registry that has Prefect and the flow's code in it. Blank = this project's own.",
    )
    gpu: GpuName | None = Field(default=None, title="GPU", description="Blank = processor cores only.")
    cpu: float = Field(default=4.0, title="CPU", gt=0, le=64, description="Physical cores.")
    memory: int = Field(default=16_384, ge=128, le=344_064, description="Memory in MiB.")
    timeout: int = Field(
        default=3600, ge=10, le=86_400, description="Seconds after which the Sandbox is ended, whatever it does."
    )
    volumes: dict[str, str] = Field(
        default={"/forge": "crystal-forge-flow-runs"},
        description="Folders of the Sandbox that are kept: the folder, and the name of a Modal Volume.",
    )
    secrets: list[str] = Field(
        default_factory=list[str], description="Names of Modal Secrets whose variables the flow run gets."
    )
    region: str | None = Field(default=None, description="Where it may run, such as us-east. Blank = anywhere.")
    env: dict[str, str | None] = Field(
        default={"FORGE_HOME": "/forge"},
        title="Environment Variables",
        description="Variables of the flow run. Anyone who sees the Sandbox sees them: use secrets for secrets.",
    )
    api_url: str | None = Field(
        default=None,
        title="Prefect API",
        description="The address at which Modal's machines reach the Prefect API. Blank = the worker's.",
    )


class ModalJob(BaseJobConfiguration):
    """What the form says of one flow run."""

    image: str | None = None
    gpu: GpuName | None = None
    cpu: float = 4.0
    memory: int = 16_384
    timeout: int = 3600
    volumes: dict[str, str] = Field(default_factory=dict[str, str])
    secrets: list[str] = Field(default_factory=list[str])
    region: str | None = None
    api_url: str | None = None

    _directory: str = PrivateAttr(default=CODE)

    def prepare_for_flow_run(self, flow_run: FlowRun, *args: Any, **kwargs: Any) -> None:
        """Fill in what depends on the run: its environment, its command and the folder its deployment starts in."""
        super().prepare_for_flow_run(flow_run, *args, **kwargs)
        if self.api_url:
            self.env["PREFECT_API_URL"] = self.api_url
        deployment = kwargs.get("deployment")
        for step in (deployment.pull_steps or []) if deployment else []:
            place = step.get("prefect.deployments.steps.set_working_directory", {})
            self._directory = str(place.get("directory", self._directory))

    @staticmethod
    def _base_flow_run_command() -> str:
        return "python -m prefect flow-run execute"

    @classmethod
    def _base_environment(cls) -> dict[str, str]:
        own = super()._base_environment()
        return _ENVIRONMENT | {name: own[name] for name in _CARRIED if name in own}

    def request(self) -> SandboxRequest:
        """The container that this run needs; secrets apart from what anyone may see."""
        env = {name: text for name, text in self.env.items() if text is not None}
        return SandboxRequest(
            command=tuple(shlex.split(self.command or self._base_flow_run_command())),
            directory=self._directory,
            image=self.image,
            env={name: text for name, text in env.items() if name not in _SECRET},
            secret={name: text for name, text in env.items() if name in _SECRET},
            secrets=tuple(self.secrets),
            gpu=self.gpu,
            cpu=self.cpu,
            memory=self.memory,
            timeout=self.timeout,
            volumes=self.volumes,
            region=self.region,
            tags={_RUN: env["PREFECT__FLOW_RUN_ID"], _POOL: self.labels["prefect.io/work-pool-id"]},
        )


class ModalResult(BaseWorkerResult):
    """The id and the exit code of a Sandbox."""


class ModalWorker(BaseWorker[ModalJob, ModalVariables, ModalResult]):
    """Runs flow runs as Modal Sandboxes."""

    type = "modal"
    job_configuration = ModalJob
    job_configuration_variables = ModalVariables
    sandboxes: ClassVar[Sandboxes] = ModalSandboxes()
    """Where the runs take place; a test may put another place here."""

    _display_name = "Modal"
    _description = "Flow runs as Modal Sandboxes, with a GPU if wanted. Needs a Prefect API that Modal can reach."
    _documentation_url = "https://modal.com/docs/guide/sandbox"

    async def setup(self) -> None:
        """Start, and look after the Sandboxes that an earlier worker of this pool has left running."""
        await super().setup()
        if self._work_pool is None or self._runs_task_group is None:
            return  # the API does not answer yet; Prefect goes on trying
        for sandbox_id, tags in (await self.sandboxes.live({_POOL: str(self._work_pool.id)})).items():
            self._logger.info("Sandbox %s was started by another worker; looking after it, too", sandbox_id)
            self._runs_task_group.start_soon(self._adopt, sandbox_id, UUID(tags[_RUN]))

    async def run(self, flow_run: FlowRun, configuration: ModalJob, task_status: Any = None) -> ModalResult:
        """Start a Sandbox for a flow run and watch it to its end."""
        request = configuration.request()
        url = request.env.get("PREFECT_API_URL", "")
        if not self.sandboxes.reaches(url):
            raise InputError.of(
                got=f"the Prefect API at {url or 'no address'}",
                expected="an address that Modal's machines reach",
                remedy="set the work pool's field `Prefect API`, or run the flow here with `--on modal`",
            )
        sandbox_id = await self.sandboxes.create(request)
        if task_status is not None:
            task_status.started(sandbox_id)
        self.get_flow_run_logger(flow_run).info("Runs as Modal Sandbox %s", sandbox_id)
        return ModalResult(identifier=sandbox_id, status_code=await self._watch(sandbox_id, flow_run))

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: ModalJob, grace_seconds: int = 30
    ) -> None:
        """End a run's Sandbox; what Prefect calls its process is its id."""
        try:
            await self.sandboxes.terminate(infrastructure_pid)
        except NoSuchSandbox as error:
            raise InfrastructureNotFound(str(error)) from error

    async def _adopt(self, sandbox_id: str, flow_run_id: UUID) -> None:
        try:
            flow_run = await self.client.read_flow_run(flow_run_id)
            await self._watch(sandbox_id, flow_run)
        except Exception:  # whatever it is, it must not end the worker
            self._logger.exception("Lost sight of Sandbox %s", sandbox_id)

    async def _watch(self, sandbox_id: str, flow_run: FlowRun) -> int:
        """Follow a Sandbox to its end and settle what the run inside has left open; the exit code."""
        tail: deque[str] = deque(maxlen=_TAIL)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(sandbox_id, tail))
            stopping = group.create_task(self._stop_in_time(sandbox_id, flow_run.id))
            code = await self._end(sandbox_id)
            stopping.cancel()
        try:
            flow_run = await self.client.read_flow_run(flow_run.id)
        except ObjectNotFound:
            return 0
        state = flow_run.state
        if state and state.is_cancelling():
            await self._mark_flow_run_as_cancelled(flow_run, {"message": "Its Sandbox was ended."})
            return 0
        if state is None or not (state.is_running() or state.is_pending()):
            return code  # over, or to go on later
        output = "\n".join(tail) or "(nothing)"
        self.get_flow_run_logger(flow_run).error("The Sandbox's last words:\n%s", output)
        await self._propose_crashed_state(flow_run, _END.get(code, f"The Sandbox ended with exit code {code}."))
        return code

    async def _end(self, sandbox_id: str) -> int:
        """Wait for the end of a Sandbox; the exit code.

        It goes on, and costs money, also while nobody can be asked about it: a lost connection is waited out.
        """
        while True:
            try:
                return await self.sandboxes.wait(sandbox_id)
            except NoSuchSandbox:
                raise
            except Exception as error:  # whatever the provider's client raises
                self._logger.warning("Sandbox %s cannot be asked for: %r; trying again", sandbox_id, error)
                await asyncio.sleep(_POLL)

    async def _terminate(self, sandbox_id: str) -> None:
        """End a Sandbox, however often it takes."""
        while True:
            try:
                await self.sandboxes.terminate(sandbox_id)
            except NoSuchSandbox:
                return
            except Exception as error:  # whatever the provider's client raises
                self._logger.warning("Sandbox %s cannot be ended: %r; trying again", sandbox_id, error)
                await asyncio.sleep(_POLL)
            else:
                self._logger.info("Ended Sandbox %s", sandbox_id)
                return

    async def _tell(self, sandbox_id: str, tail: deque[str]) -> None:
        try:
            async for line in self.sandboxes.output(sandbox_id):
                tail.append(line)
                self._logger.info("%s | %s", sandbox_id, line)
        except Exception as error:  # whatever it is, the Sandbox goes on, and so must those who watch it
            self._logger.warning("No more output of Sandbox %s: %s", sandbox_id, error)

    async def _stop_in_time(self, sandbox_id: str, flow_run_id: UUID) -> None:
        """End the Sandbox of a run that was cancelled before it began, and of one that is over but goes on."""
        since: float | None = None
        while True:
            await asyncio.sleep(_POLL)
            try:
                flow_run = await self.client.read_flow_run(flow_run_id)
            except httpx.HTTPError as error:
                self._logger.warning("The Prefect API does not answer: %s", error)
                continue
            except ObjectNotFound:
                break
            state = flow_run.state
            if state is None or not (state.is_cancelling() or state.is_final()):
                since = None
                continue
            since = since or time.monotonic()
            if flow_run.start_time is None or time.monotonic() - since > _GRACE:
                break
        await self._terminate(sandbox_id)
