"""A Prefect server, a work pool of type `modal` and a worker for it, as processes of their own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from control_plane import ControlPlane

from configs.installation import Installation
from flows import server

HERE = Path(__file__).parent


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Life:
    """Server and worker; a context manager."""

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        self.plane = plane
        self._folder = folder
        self._credential = Installation(home=folder).credential()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        service, port = server.prefect_service(Installation(home=self._folder)), free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._start(service.command(port), service.environment(port), "server.log")
        deadline = time.monotonic() + 180
        while not server.is_healthy(self._url + service.health):
            assert time.monotonic() < deadline, (self._folder / "server.log").read_text()
            time.sleep(0.2)
        self.start_worker()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def start_worker(self) -> None:
        """Start a worker, which makes the pool if there is none, and wait until it is at work."""
        environment = self.plane.environment | {
            "PREFECT_API_URL": f"{self._url}/api",
            "PREFECT_API_AUTH_STRING": self._credential,
            "PREFECT_HOME": str(self._folder / "worker"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "gpu", "--type", "modal"]
        self._start(command, environment, "worker.log")
        self.until_logged("started!", times=len(self._processes) - 1)

    def kill_worker(self) -> None:
        """Kill -9 the last worker."""
        self._processes[-1].kill()
        self._processes[-1].wait()

    def _start(self, command: list[str], environment: dict[str, str], log: str) -> None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT")}
        with (self._folder / log).open("ab") as output:
            process = subprocess.Popen(command, env=kept | environment, stdout=output, stderr=subprocess.STDOUT)
        self._processes.append(process)

    def log(self) -> str:
        """What the workers have written."""
        return (self._folder / "worker.log").read_text()

    def until_logged(self, text: str, *, times: int = 1) -> None:
        """Wait until the workers have written something so often."""
        deadline = time.monotonic() + 120
        while self.log().count(text) < times:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.2)

    def run(self, name: str, *, variables: dict[str, Any] | None = None, **parameters: Any) -> str:
        """Start a flow of worker_flows.py on the pool; the run's id."""
        step = {"prefect.deployments.steps.set_working_directory": {"directory": str(HERE)}}
        found = {"entrypoint": f"worker_flows.py:{name}", "pull_steps": [step]}
        return self.deploy_and_run(name, found, variables or {}, parameters)

    def deploy_and_run(
        self, name: str, found: dict[str, Any], variables: dict[str, Any], parameters: dict[str, Any]
    ) -> str:
        """Start a flow on the pool; `found` tells where its code is. The run's id."""
        deployment = found | {
            "name": f"{name} {time.monotonic()}",
            "flow_id": self._ask("/flows/", {"name": name})["id"],
            "work_pool_name": "gpu",
            "job_variables": variables,
            "enforce_parameter_schema": False,
        }
        made = self._ask("/deployments/", deployment)
        return str(self._ask(f"/deployments/{made['id']}/create_flow_run", {"parameters": parameters})["id"])

    def cancel(self, run: str) -> None:
        """As the UI's button does."""
        self._ask(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})

    def until(self, run: str, *names: str, seconds: float = 120) -> str:
        """Wait until a run is in one of these states; the state's message."""
        deadline = time.monotonic() + seconds
        while True:
            state = self._ask(f"/flow_runs/{run}")["state"]
            if state["name"] in names:
                return str(state["message"])
            assert time.monotonic() < deadline, f"{state}\n{self.log()}"
            time.sleep(0.2)

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        known = f"Basic {b64encode(self._credential.encode()).decode()}"
        headers = {"Content-Type": "application/json", "Authorization": known}
        request = urllib.request.Request(f"{self._url}/api{path}", data, headers)
        for attempt in range(20):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 503 or attempt == 19:  # SQLite is busy
                        raise AssertionError(error.read()) from error
            time.sleep(0.3)
        raise AssertionError(path)
