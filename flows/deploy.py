"""Put on a Prefect server what this project needs there: work pools, automations, deployments. May be run again.

What lies behind a pool is a choice of the installation: a pool that is there already, of whatever type, is left alone.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker
from pydantic import TypeAdapter

from forge_core.errors import ForgeError

POOLS = {
    "cpu": "Runs that need no GPU.",
    "gpu": "Runs that are worth a GPU: a worker on a machine with one, or a pool of another type, as `modal`.",
}

_ROOT = Path(__file__).parents[1]
_AUTOMATIONS = _ROOT / "deployments" / "automations.yaml"
_DEPLOYED = "forge_deployed"
_ROOMS = ("flows", "tasks", "forge_view", "configs", "forge_core")


def prepare() -> None:
    """Make the pools that are missing and bring the automations up to date, on the server of PREFECT_API_URL."""
    with get_client(sync_client=True) as client:
        for name, description in POOLS.items():
            _make_pool(client, name, description)
    install_automations()


def install_automations() -> None:
    """Put the automations of deployments/automations.yaml on the server, in place of others of the same names.

    One that is as it should be is left alone: replaced, it would forget the runs whose heartbeats it awaits.
    """
    automations = TypeAdapter(list[AutomationCore]).validate_python(yaml.safe_load(_AUTOMATIONS.read_text()))
    with get_client(sync_client=True) as client:
        for automation in automations:
            same = client.read_automations_by_name(automation.name)
            if not same:
                client.create_automation(automation)
            for old in same:
                if AutomationCore.model_validate(old.model_dump()) != automation:
                    client.update_automation(old.id, automation)


def is_deployed() -> bool:
    """Whether the server has the deployments of this checkout as it is now."""
    return Variable.get(_DEPLOYED) == _digest()


def deploy() -> None:
    """Put every deployment of prefect.yaml on the server of PREFECT_API_URL, once its pools are there.

    A schedule that a person has switched off stays off. Raises ForgeError with Prefect's words when it refuses.
    """
    if not (_ROOT / "prefect.yaml").is_file():
        raise ForgeError.of(
            got=f"{_ROOT} without a prefect.yaml",
            expected="a checkout of this project",
            remedy="install it from one with `pip install -e .`",
        )
    prepare()
    answer = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise ForgeError.of(
            got=f"{answer.stdout}{answer.stderr}".strip(),
            expected="deployments that Prefect accepts",
            remedy="correct prefect.yaml or the flow it names",
        )
    Variable.set(_DEPLOYED, _digest(), overwrite=True)


def pool_template() -> dict[str, Any]:
    """What a run may say of its process: nothing but its name and labels.

    Prefect's own template lets whoever may start a run choose the command, the environment and the folder.
    """
    template = ProcessWorker.get_default_base_job_template()
    properties = {name: template["variables"]["properties"][name] for name in _FREE}
    fixed = dict.fromkeys(template["job_configuration"].keys() - set(_FREE)) | _FIXED
    free = {name: template["job_configuration"][name] for name in _FREE}
    variables = {**template["variables"], "properties": properties, "additionalProperties": False}
    return {"job_configuration": fixed | free, "variables": variables}


_FREE = ("name", "labels")
_FIXED: dict[str, Any] = {"env": {}, "stream_output": True}


def _make_pool(client: SyncPrefectClient, name: str, description: str) -> None:
    """Make a pool of processes; one that has Prefect's own template, from an earlier version of ours, gets our own."""
    pool = WorkPoolCreate(
        name=name, description=description, type=ProcessWorker.type, base_job_template=pool_template()
    )
    try:
        client.create_work_pool(pool)
    except ObjectAlreadyExists:
        if client.read_work_pool(name).base_job_template == ProcessWorker.get_default_base_job_template():
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=pool_template()))


def _digest() -> str:
    """Over all that a deployment is made from: its YAML files and the flows' parameters."""
    files = [_ROOT / "prefect.yaml", *sorted(path for room in _ROOMS for path in (_ROOT / room).rglob("*.py"))]
    digest = hashlib.sha256()
    for path in (*files, _AUTOMATIONS):
        digest.update(path.read_bytes())
    return digest.hexdigest()
