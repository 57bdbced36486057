"""Stages that make one object in one piece: a model, an evaluation, an export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.modal import MACHINES, Job
from forge_core.artifacts.collection import Receipt
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.artifacts.listing import Source
from tasks.remote import connection, volume
from tasks.remote.blocks import bring
from tasks.remote.running import run
from tasks.remote.runs import place_for, run_jobs
from tasks.remote.volume import Files

BLOCK = "all"


def make_there(
    stage: str,
    folder: Path,
    *,
    code: Sequence[str],
    settings: Mapping[str, Any],
    inputs: Sequence[Source],
) -> Receipt:
    """Make an object on Modal and bring its files into the folder; arguments as for `tasks.stage.artifact`."""

    async def work() -> Receipt:
        await connection.connect()
        remote = await connection.volume()
        key = make_key(stage, code=fingerprint(*code), settings=settings, inputs=[each.digest for each in inputs])
        files = await volume.files_of(remote, key)
        if not files.receipts:
            for source in inputs:
                await volume.push(remote, source, what=f"an input of {stage}")
            place = place_for(gpu=MACHINES[stage].gpu)
            job = Job(key=key, code=tuple(code), block=BLOCK, work={}, gpu=bool(place.gpus))
            files = Files(files.place, await run_jobs([job], place, unit="runs", items=[1]))
        await bring(files, list(files.by_path), folder, what=stage)
        return files.receipts[0]

    return run(work())
