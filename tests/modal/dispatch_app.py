"""A Function that answers as ours do, in no time, and does what a job tells it to."""

import sys
import time
from typing import Any

import modal

app = modal.App("dispatch")


@app.function(image=modal.Image.debian_slim())
def work(job: dict[str, Any]) -> dict[str, Any]:
    time.sleep(job.get("sleep", 0))
    if "exit" in job:
        sys.exit(job["exit"])
    if "raise" in job:
        raise ValueError(job["raise"])
    if "error" in job:
        return {"error": job["error"], "message": "it said so"}
    return {"block": job["block"], "seconds": 0.0, "device": "cpu", "text": "x" * job.get("bytes", 0)}


namesake = modal.App("crystal-forge")


@namesake.function(image=modal.Image.debian_slim())
def rest(seconds: float) -> None:
    time.sleep(seconds)
