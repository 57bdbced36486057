"""An installation of its own with its servers and workers, as `forge up` starts them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORGE = Path(sys.executable).with_name("forge")
PATIENCE = 600  # seconds; nothing here is about speed, and the machine may be busy


class Machine:
    """A home folder, the commands that work in it, and its Prefect server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT", "FORGE"))}
        self.environment = {**kept, "FORGE_HOME": str(home), "FORGE_THREADS": "2"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([FORGE, *words], env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def forge(self, *words: str) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err
        return out

    @property
    def api_url(self) -> str:
        return json.loads((self.home / "prefect" / "server.json").read_text())["address"] + "/api"

    @property
    def headers(self) -> dict[str, str]:
        """What the server of this home wants to see of a client."""
        credential = (self.home / "prefect" / "credential").read_bytes()
        return {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(credential).decode()}"}

    def api(self, path: str, method: str = "POST", **query: object) -> Any:
        body = None if method == "GET" else json.dumps(query).encode()
        request = urllib.request.Request(self.api_url + path, body, self.headers, method=method)
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
        found = self.api(f"/deployments/name/{deployment}", "GET")
        state = {"type": "SCHEDULED"}
        return self.api(f"/deployments/{found['id']}/create_flow_run", parameters=parameters, state=state)["id"]

    def state(self, run: str) -> dict[str, Any]:
        return self.api(f"/flow_runs/{run}", "GET")["state"]

    def runs(self, flow: str) -> list[dict[str, Any]]:
        return self.api("/flow_runs/filter", flows={"name": {"any_": [flow]}})

    def processes(self) -> list[int]:
        """The processes that work for this home and have not ended."""
        mark = f"FORGE_HOME={self.home}".encode()
        found: list[int] = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
                if mark in (path / "environ").read_bytes().split(b"\0") and state not in "ZX":
                    found.append(int(path.name))
            except OSError:
                continue
        return found

    def kill(self) -> None:
        """Leave nothing behind, whatever a test has done."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is so, and return what it is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.5)
    return found
