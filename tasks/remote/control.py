"""What runs on Modal, what it has cost, and how to stop it from another process than the one that started it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import modal

from configs.modal import APP
from forge_core.errors import InputError, RemoteError
from tasks.remote import connection

_PATIENCE = 60.0  # seconds for a command of Modal's own


@dataclass(frozen=True, slots=True)
class Cloud:
    """What Modal says: our Apps and containers, each as its command line lists it, every value text."""

    apps: list[dict[str, str]]
    containers: list[dict[str, str]]


async def look() -> Cloud:
    """Our Apps and their containers. RemoteError when Modal cannot be asked."""
    await connection.connect()
    apps, containers = await asyncio.gather(_modal_json("app", "list"), _modal_json("container", "list"))
    return Cloud(
        [app for app in apps if app.get("description", "").startswith(APP) and "stop" not in app["state"]],
        [container for container in containers if container.get("app_name", "").startswith(APP)],
    )


async def look_and_bill() -> tuple[Cloud, float | None]:
    """What runs, and what Modal has billed for it."""
    return await look(), await billed()


async def billed(days: int = 30) -> float | None:
    """US dollars that Modal itself has counted for our App in the last days; None where the plan has no report."""
    start = datetime.now(UTC) - timedelta(days=days)
    try:
        items = await modal.Workspace.from_context().billing.report.aio(start=start)
    except modal.exception.Error:
        return None
    return float(sum(item.cost for item in items if item.description.startswith(APP)))


async def stop_apps(names: Sequence[str]) -> list[str]:
    """Stop Apps of ours with all that they run, whoever started them; those that were stopped.

    To stop containers would not do: Modal gives the inputs of a stopped container to another one.

    Args:
        names: the ids of Apps as `forge modal status` shows them; empty = all of ours.

    Raises:
        InputError: for an App that does not run, or is not ours, in this workspace.
    """
    running = [app["app_id"] for app in (await look()).apps]
    for name in names:
        if name not in running:
            raise InputError.of(
                got=f"the App {name!r}",
                expected=f"one of ours that runs: {', '.join(running) or 'there is none'}",
                remedy="see `forge modal status`; another workspace needs another profile (MODAL_PROFILE)",
            )
    chosen = list(names) or running
    for name in chosen:
        await _modal("app", "stop", name, "--yes")
    return chosen


async def _modal_json(*words: str) -> list[dict[str, str]]:
    rows = json.loads(await _modal(*words, "--json"))
    return [{name.lower().replace(" ", "_"): str(value) for name, value in row.items()} for row in rows]


async def _modal(*words: str) -> str:
    """What a command of Modal's own command line prints: what it lists has no other public interface."""
    command = [sys.executable, "-m", "modal", *words]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except TimeoutError:
        process.kill()
        raise _unanswered(words, "no answer") from None
    if process.returncode:
        raise _unanswered(words, error.decode().strip().splitlines()[-1] if error.strip() else "no reason given")
    return out.decode()


def _unanswered(words: Sequence[str], why: str) -> RemoteError:
    return RemoteError.of(
        got=f"from `modal {' '.join(words)}`: {why}", expected="its answer", remedy="try that command by itself"
    )
