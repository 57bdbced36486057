"""What was started on Modal, on disk: one file a run, a line an event, written before anybody needs it.

A run that cannot tell its end, because its process was killed or the power went, leaves a journal without an `end`.
`forge modal stop` reads it and cancels what is open.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from configs.installation import Installation
from configs.processes import began
from forge_core.errors import InputError


def folder() -> Path:
    """Where the journals of this installation are."""
    return Installation().home.absolute() / "modal" / "runs"


class Journal:
    """The journal of a run that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def begin(cls, stage: str, **facts: Any) -> "Journal":
        """A journal for a new run of a stage; `facts` are JSON values: what it is to do, and where."""
        name = f"{datetime.now():%Y%m%d-%H%M%S}-{stage}-{secrets.token_hex(2)}"
        folder().mkdir(parents=True, exist_ok=True)
        journal = cls(folder() / f"{name}.jsonl")
        journal.write(
            "start", stage=stage, pid=os.getpid(), began=began(os.getpid()), host=socket.gethostname(), **facts
        )
        return journal

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.stem

    def write(self, event: str, **facts: Any) -> None:
        """Add a line; it has left this process when this returns."""
        with self.path.open("a") as file:
            file.write(json.dumps({"event": event, "time": time.time(), **facts}) + "\n")


@dataclass(slots=True)
class Run:
    """What a journal says.

    start     its first line: stage, function, gpu, inputs, at_most, expected ...
    open      calls that have not ended, by id: the block
    lost      blocks whose call may have been made, though its id did not arrive: only the whole App can be stopped
    done      finished inputs: items, seconds in the container, device
    failed    attempts that failed
    spent     US dollars by estimate
    stopped   whether another process stops it
    end       how it ended: "finished", "cancelled", a message; None when it has not, or could not tell
    """

    path: Path
    start: Mapping[str, Any] = field(default_factory=dict[str, Any])
    open: dict[str, str] = field(default_factory=dict[str, str])
    lost: set[str] = field(default_factory=set[str])
    done: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    failed: int = 0
    spent: float = 0.0
    stopped: bool = False
    end: str | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.stem

    @property
    def alive(self) -> bool:
        """Whether the process that drives the run is still there, as far as can be seen from this machine."""
        if self.start.get("host") != socket.gethostname():
            return self.end is None
        return self.end is None and began(int(self.start["pid"])) == self.start["began"]

    @property
    def state(self) -> str:
        """In words: "running", how it ended, or that nobody drives it any more."""
        if self.end is not None:
            left = len(self.open) + len(self.lost)
            return self.end if not left else f"{self.end}; {left} inputs are not known to be stopped"
        if self.alive:
            return "running"
        return "abandoned" if self.open or self.lost else "broken off"


def read(path: Path) -> Run:
    """What a journal says; a last line that was cut off is left out."""
    run = Run(path)
    for line in path.read_text().splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        _take(run, event)
    return run


def runs() -> Iterator[Run]:
    """All runs of this installation, the latest first."""
    for path in sorted(folder().glob("*.jsonl"), reverse=True):
        run = read(path)
        if run.start:
            yield run


def find(name: str) -> Run:
    """A run by its name or the beginning of it; InputError when there is none, or more than one."""
    found = [run for run in runs() if run.name.startswith(name)]
    if len(found) != 1:
        known = ", ".join(run.name for run in runs()) or "none yet"
        raise InputError.of(
            got=f"the run {name!r}, which {len(found)} runs are called",
            expected=f"the name of a run on Modal ({known})",
            remedy="take it from `forge modal status`",
        )
    return found[0]


def _take(run: Run, event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind == "start":
        run.start = event
    elif kind == "spawning":
        run.lost.add(event["block"])
    elif kind == "call":
        run.lost.discard(event["block"])
        run.open[event["id"]] = event["block"]
    elif kind in ("done", "failed", "cancelled"):
        run.open.pop(event["id"], None)
        run.done += [event] * (kind == "done")
        run.failed += kind == "failed"
    elif kind == "refused":
        run.lost.discard(event["block"])
    elif kind == "stop":
        run.stopped = True
    elif kind == "app stopped":
        run.open.clear()
        run.lost.clear()
        run.end = run.end or event["outcome"]
    elif kind == "end":
        run.end = event["outcome"]
    run.spent = max(run.spent, float(event.get("spent", 0.0)))
