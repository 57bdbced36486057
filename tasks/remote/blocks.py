"""Stages that make many files, block by block: shards and games. What is on the Volume is not made again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from configs.modal import Job
from forge_core.artifacts.collection import Receipt, block_name
from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import Source
from tasks.console import progress
from tasks.remote import connection, volume
from tasks.remote.cost import block_size_at
from tasks.remote.runs import place_for, run_jobs
from tasks.remote.volume import Files

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recipe(Generic[T]):
    """How a stage makes the files of a collection.

    key, code  of the collection, and the modules that its fingerprint covers
    unit       what it makes them of, in the plural: "deals"
    path       where the file of an item lies
    work       what the container has to be told of some items, JSON values
    absent     the paths that a receipt says will never be made, such as deals that are too large
    gpu        whether it can use a GPU
    """

    key: Key
    code: tuple[str, ...]
    unit: str
    path: Callable[[T], Path]
    work: Callable[[Sequence[T]], dict[str, Any]]
    absent: Callable[[Receipt], set[str]] = lambda _receipt: set()
    gpu: bool = True


async def make(recipe: Recipe[T], wanted: Sequence[T], *, inputs: Sequence[Source] = ()) -> Files:
    """See to it that the Volume has the files of all items; what it has then. Raises as `runs.run_jobs` does."""
    await connection.connect()
    remote = await connection.volume()
    files = await volume.files_of(remote, recipe.key)
    done = set(files.by_path).union(*(recipe.absent(receipt) for receipt in files.receipts))
    gaps = [item for item in wanted if recipe.path(item).as_posix() not in done]
    if not gaps:
        return files
    for source in inputs:
        await volume.push(remote, source, what=recipe.unit)
    place = place_for(gpu=recipe.gpu)
    size = block_size_at(place, recipe.key.stage)
    blocks = [gaps[start : start + size] for start in range(0, len(gaps), size)]
    jobs = [
        Job(key=recipe.key, code=recipe.code, block=block_name(block), work=recipe.work(block), gpu=bool(place.gpus))
        for block in blocks
    ]
    receipts = await run_jobs(jobs, place, unit=recipe.unit, items=[len(block) for block in blocks])
    return Files(files.place, [*files.receipts, *receipts])


async def bring(files: Files, paths: Sequence[str], folder: Path, *, what: str) -> int:
    """Bring the files of some paths into a folder, those that it lacks, with a progress bar; how many."""
    there = files.by_path
    wanted = [there[path] for path in paths if path in there]
    remote = await connection.volume()
    with progress(f"{what} from the Volume", len(wanted), "{files:.1f} files/s") as advance:
        return await volume.fetch(remote, files.place, wanted, folder, advance=lambda n: advance(n, files=n))
