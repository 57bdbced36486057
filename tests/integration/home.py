"""An installation of its own: a home folder, the command `forge`, and the Prefect server that it starts."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

FORGE = Path(sys.executable).with_name("forge")

T = TypeVar("T")


class Home:
    """Runs `forge` in an environment that has nothing of this machine's installation in it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        dropped = ("PREFECT", "FORGE")
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        self.environment |= {"FORGE_HOME": str(folder), **environment}

    @property
    def address(self) -> str:
        return json.loads((self.folder / "prefect" / "server.json").read_text())["address"]

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([FORGE, *words], env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def forge(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=600)
        return process.returncode, out, err

    def must(self, *words: str) -> str:
        """The output of a command that has to succeed."""
        code, out, err = self.forge(*words)
        assert code == 0, out + err
        return out

    @property
    def headers(self) -> dict[str, str]:
        """What the server of this home wants to see of a client."""
        credential = (self.folder / "prefect" / "credential").read_bytes()
        return {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(credential).decode()}"}

    def api(self, path: str, **query: object) -> Any:
        """POST when there is a query, GET otherwise."""
        body = json.dumps(query).encode() if query or path.endswith("filter") else None
        request = urllib.request.Request(f"{self.address}/api{path}", body, self.headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def wait_for(look: Callable[[], T | None], what: str, *, seconds: float = 300) -> T:
    """What `look` finds in the end: the first answer that is not None or False."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.25)
    raise AssertionError(f"{what} did not come within {seconds} seconds")
