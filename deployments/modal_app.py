"""The App on Modal: a Function for each stage, and the Volume where their files land.

`forge modal deploy` sends it there. A Function takes a `Job` as JSON and answers with a `Receipt` as JSON, or with the
kind and message of a ForgeError: exceptions of our own would need our code to be unpickled. GPU, containers and time
limit are chosen by the caller (`Function.with_options`); what stands here is what holds without a choice.
"""

import os
import time
from pathlib import Path
from typing import Any

import modal

from configs.modal import APP, MACHINES, VOLUME, Job
from deployments import images
from forge_core.errors import ForgeError

MOUNT = "/volume"
_COMMITS = 6

app = modal.App(APP, tags={"project": APP}, include_source=False)
volume = modal.Volume.from_name(VOLUME, create_if_missing=True, version=2)


def options(stage: str, image: modal.Image) -> dict[str, Any]:
    """What a Function is declared with: its machine, its limits, the Volume, an image with our code."""
    machine = MACHINES[stage]
    return {
        "name": machine.function,
        "image": images.with_code(image),
        "cpu": machine.cores,
        "memory": machine.memory * 1024,
        "env": {"FORGE_VOLUME": MOUNT, "FORGE_THREADS": str(machine.threads), "OMP_WAIT_POLICY": "PASSIVE"},
        "volumes": {MOUNT: volume},
        "max_containers": 8,
        "timeout": machine.time_limit,
        "retries": 0,  # the caller tries again, and counts what it costs
        "scaledown_window": 10,
    }


@app.function(**options("generate", images.solver()))
def solve(job: dict[str, Any]) -> dict[str, Any]:
    """Solve a block of deals."""
    return answer(job)


@app.function(**options("generate-eq", images.learner()))
def play(job: dict[str, Any]) -> dict[str, Any]:
    """Play a block of E[Q] games."""
    return answer(job)


@app.function(**options("train", images.learner()))
def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train a network; a preempted training goes on from its last checkpoint."""
    return answer(job)


@app.function(**options("evaluate", images.learner()))
def evaluate(job: dict[str, Any]) -> dict[str, Any]:
    """Measure a model."""
    return answer(job)


@app.function(**options("export", images.learner()))
def export(job: dict[str, Any]) -> dict[str, Any]:
    """Export a model to ONNX."""
    return answer(job)


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Make what the job says, put it on the Volume and say what it was. A job {"hello": gpu} only asks for the device,
    so that the caller learns that this kind of container can be had."""
    from deployments.work import Volume, device_name, run

    try:
        if "hello" in job:
            return {"device": device_name(gpu=job["hello"])}
        volume.reload()
        receipt = run(Job.model_validate(job), Volume(Path(os.environ["FORGE_VOLUME"]), _commit))
    except ForgeError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except (OSError, modal.exception.Error) as error:  # the caller would take it for an error of its own connection
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
    return receipt.model_dump(mode="json")


def _commit() -> None:
    """Let everyone see what was written; commits of many containers at once may have to wait for each other."""
    for attempt in range(_COMMITS):
        try:
            volume.commit()
            return
        except (RuntimeError, modal.exception.InternalError, modal.exception.ServiceError):  # the first: a conflict
            if attempt + 1 == _COMMITS:
                raise
            time.sleep(0.2 * 2**attempt)
