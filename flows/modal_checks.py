"""What `forge doctor` looks at on Modal. Nothing is started there, so nothing costs anything."""

import json
import os
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

from configs.installation import Installation, given_api_url
from flows import server
from flows.health import Check
from forge_core.errors import RemoteError

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
    from tasks.remote import connection
    from tasks.remote.running import run

    try:
        run(connection.connect())
    except RemoteError as error:
        yield Check("modal server", False, connection.server_url(), str(error))
        return
    yield Check("modal server", True, connection.server_url())
    yield from _pools()


def _pools() -> Iterator[Check]:
    """The work pools of type modal, if a Prefect server runs: each needs a worker to serve it."""
    installation = Installation()
    local = server.address(server.prefect_service(installation))
    url = given_api_url() or (local and f"{local}/api")
    if not url:
        return
    auth = os.environ.get("PREFECT_API_AUTH_STRING", "") if given_api_url() else installation.credential()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(auth.encode()).decode()}"}
    asked = urllib.request.Request(f"{url}/work_pools/filter", b"{}", headers)
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            pools = [pool for pool in json.load(answer) if pool["type"] == "modal"]
    except (OSError, ValueError):
        return  # the check of the Prefect server says so
    for pool in pools:
        remedy = f"start a worker: prefect worker start --pool {pool['name']} --type modal"
        yield Check("modal pool", pool["status"] != "NOT_READY", f"{pool['name']}, {pool['status']}", remedy)
