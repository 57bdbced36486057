"""An installation of its own: a home folder, the command `forge`, and the servers and workers that it starts."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

FORGE = Path(sys.executable).with_name("forge")
PATIENCE = 600  # seconds; nothing here is about speed, and the machine may be busy

T = TypeVar("T")


class Home:
    """Runs `forge` in an environment that has nothing of this machine's installation in it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        dropped = ("PREFECT", "FORGE", "AWS")
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        self.environment |= {"FORGE_HOME": str(folder), "FORGE_THREADS": "2", **environment}

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([FORGE, *words], env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def forge(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def must(self, *words: str) -> str:
        """The output of a command that has to succeed."""
        code, out, err = self.forge(*words)
        assert code == 0, out + err
        return out

    @property
    def address(self) -> str:
        return json.loads((self.folder / "prefect" / "server.json").read_text())["address"]

    @property
    def credential(self) -> str:
        return (self.folder / "prefect" / "credential").read_text()

    def api(self, path: str, method: str | None = None, **query: object) -> Any:
        """Ask the Prefect server: POST when there is a query, GET otherwise, unless a method is named."""
        posted = bool(query) or path.endswith("filter")
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Basic {b64encode(self.credential.encode()).decode()}",
        }
        body = json.dumps(query).encode() if posted else None
        request = urllib.request.Request(f"{self.address}/api{path}", body, headers, method=method)
        for _ in range(PATIENCE):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                if error.code != 503:  # SQLite was locked; Prefect's own client asks again, too
                    raise
                time.sleep(1)
        raise TimeoutError(f"{path} was never answered")

    def run(self, deployment: str, **parameters: object) -> str:
        """Start a deployment by its "flow/name", as the UI does; the run's id."""
        found = self.api(f"/deployments/name/{deployment}")
        state = {"type": "SCHEDULED"}
        return self.api(f"/deployments/{found['id']}/create_flow_run", parameters=parameters, state=state)["id"]

    def state(self, run: str) -> dict[str, Any]:
        return self.api(f"/flow_runs/{run}")["state"]

    def runs(self, flow: str) -> list[dict[str, Any]]:
        return self.api("/flow_runs/filter", flows={"name": {"any_": [flow]}})

    def processes(self, part: str = "") -> list[psutil.Process]:
        """The living processes that work for this home and whose command line has this part."""
        return [each for each in processes_of(self.folder) if part in " ".join(each.cmdline())]

    def kill(self) -> None:
        """Leave nothing behind, whatever a test has done."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


def processes_of(folder: Path, *, below: bool = False) -> list[psutil.Process]:
    """The living processes whose home is a folder, or with `below` one in it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            home = process.environ().get("FORGE_HOME", "")
            if (home == str(folder) or (below and home.startswith(f"{folder}/"))) and process.cmdline():
                found.append(process)
    return found


def wait_for(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    """What `look` finds in the end: the first answer that is not None, False or empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.25)
    raise AssertionError(f"{what} did not come within {seconds} seconds")
