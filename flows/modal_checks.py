"""What `forge doctor` looks at on Modal. Nothing is started there, so nothing costs anything."""

import json
import os
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from configs.installation import Installation
from configs.modal import APP, VOLUME
from flows import server
from flows.health import Check
from forge_core.errors import RemoteError

if TYPE_CHECKING:
    from tasks.remote.deployed import Deployed

CLIENT = "1.6.4"
"""The version of Modal's client that everything here was tried with: its protocol is its own affair."""


def modal_checks() -> Iterator[Check]:
    """The checks, as far as they make sense: without a token, nobody wants to use Modal, which is no fault."""
    if find_spec("modal") is None:
        yield Check("modal", True, "not installed; work stays on this machine (pip install 'crystal-forge[modal]')")
        return
    found = version("modal")
    yield Check("modal client", found == CLIENT, found, f"pip install modal=={CLIENT}")
    from tasks.remote import connection

    try:
        connection.check_token()
    except RemoteError:
        yield Check("modal token", True, "none; `modal token new` makes one, if work is to go to Modal")
        return
    yield Check("modal token", True, "there is one")
    yield from _cloud()


def _cloud() -> Iterator[Check]:
    from tasks.remote import connection, deployed
    from tasks.remote.running import run

    async def look() -> "Deployed":
        await connection.connect()
        return await deployed.examine()

    try:
        there = run(look())
    except RemoteError as error:
        yield Check("modal server", False, connection.server_url(), str(error))
        return
    yield Check("modal server", True, connection.server_url())
    deploy = "run `forge modal deploy`"
    yield Check("modal app", there.app, APP if there.app else "not deployed", deploy)
    if there.app:
        same = there.code == deployed.code_here()
        yield Check("modal code", same, "this checkout's" if same else "of another checkout", deploy)
    words = "as deployed" if not there.missing else f"without {', '.join(there.missing)}"
    yield Check("modal images", not there.missing, words, deploy)
    yield Check("modal volume", there.volume, VOLUME if there.volume else "not there", deploy)
    yield _gpu()
    yield from _pools()


def _pools() -> Iterator[Check]:
    """The work pools of type modal, if a Prefect server runs: each needs a worker to serve it."""
    local = server.address(server.prefect_service(Installation()))
    url = os.environ.get("PREFECT_API_URL") or (local and f"{local}/api")
    if not url:
        return
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/work_pools/filter", b"{}", headers)
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            pools = [pool for pool in json.load(answer) if pool["type"] == "modal"]
    except (OSError, ValueError):
        return  # the check of the Prefect server says so
    for pool in pools:
        remedy = f"start a worker: prefect worker start --pool {pool['name']} --type modal"
        yield Check("modal pool", pool["status"] != "NOT_READY", f"{pool['name']}, {pool['status']}", remedy)


def _gpu() -> Check:
    from tasks.remote.journal import runs

    seen = [(event["device"], run.name) for run in runs() for event in run.done if event.get("device", "cpu") != "cpu"]
    if not seen:
        return Check("modal gpu", True, "none used so far; try: forge generate --count 1 --on modal:T4 --budget 0.10")
    return Check("modal gpu", True, f"{seen[0][0]}, in the run {seen[0][1]}")
