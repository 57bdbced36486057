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
from forge_core.errors import RemoteError
from tasks.remote import connection
from tasks.remote.dispatch import cancel_calls
from tasks.remote.journal import Journal, Run, runs

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
        [app for app in apps if app.get("description", app.get("name")) == APP],
        [container for container in containers if container.get("app_name") == APP],
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
    return float(sum(item.cost for item in items if item.description == APP))


async def stop_runs(chosen: Sequence[Run], *, why: str) -> dict[str, str]:
    """Cancel all that is open of some runs; the calls that could not be cancelled, and the blocks whose calls have no
    known id, each with the reason.

    The process that drives a run, if it is alive, reads in the journal that the run was stopped and ends it.
    """
    failures: dict[str, str] = {}
    for run in chosen:
        journal = Journal(run.path)
        journal.write("stop", why=why)
        left = await cancel_calls(list(run.open))
        for name, block in run.open.items():
            event = "not cancelled" if name in left else "cancelled"
            journal.write(event, id=name, block=block, why=left.get(name))
        failures |= left
        if not run.alive:
            failures |= dict.fromkeys(run.lost, "the id of its call never arrived")
            if not left and run.end is None:
                journal.write("end", outcome=f"stopped: {why}")
    return failures


async def stop_app(chosen: Sequence[Run], *, why: str) -> list[str]:
    """Stop our App with all its calls and containers, whoever started them, and note in the journals of some runs that
    nothing of them goes on; the App's id, if it was deployed. It has to be deployed anew before it can work again.

    To stop its containers would not do: Modal gives the inputs of a stopped container to another one.
    """
    names = [app["app_id"] for app in (await look()).apps if not app["state"].startswith("stop")]
    for name in names:
        await _modal("app", "stop", name, "--yes")
    for run in chosen:
        Journal(run.path).write("app stopped", outcome=f"stopped: {why}")
    return names


def open_runs() -> list[Run]:
    """The runs of this installation with calls that are not known to have ended."""
    return [run for run in runs() if run.end is None or run.open or run.lost]


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
