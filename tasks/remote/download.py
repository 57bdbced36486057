"""Fetch the files of a collection from the Volume."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.artifacts.key import Key
from forge_core.errors import InputError
from forge_core.shards.split import Split
from tasks.remote import connection, volume
from tasks.stage import Progress, silent


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download did: files fetched, files that were there, and the collection's place on the Volume."""

    fetched: int
    there: int
    place: str


async def download(folder: Path, *, splits: Sequence[str], collection: str, progress: Progress = silent) -> Downloaded:
    """Bring the files of a collection into a folder, those of some splits or all; what is there is left alone.

    A download that was broken off goes on with the next file. Raises InputError when no collection, or more than one,
    is meant, RemoteError and DamagedFile when a file cannot be had.
    """
    for split in splits:
        if split not in list(Split):
            raise InputError.of(got=f"the split {split!r}", expected=f"one of {', '.join(Split)}", remedy="choose one")
    await connection.connect()
    remote = await connection.volume()
    place = _choose(await volume.collections(remote), collection)
    blocks = {
        block: [file for file in receipt.files if not splits or file.path.split("/")[0] in splits]
        for block, receipt in (await volume.blocks_at(remote, place)).items()
    }
    total, fetched = sum(len(files) for files in blocks.values()), 0
    with progress(f"fetching {place}", total, "{files:.1f} files/s") as advance:
        for block, files in blocks.items():
            fetched += await volume.fetch(remote, block, files, folder, advance=lambda n: advance(n, files=n))
    return Downloaded(fetched, total - fetched, place)


def _choose(found: Sequence[tuple[str, Key]], text: str) -> str:
    chosen = [place for place, _ in found if text in place]
    if len(chosen) == 1:
        return chosen[0]
    listed = "".join(f"\n  {place}  {_describe(key)}" for place, key in found)
    raise InputError.of(
        got=f"{len(chosen) or 'no'} collections on the Volume" + (f" that {text!r} is part of" if text else ""),
        expected=f"one of these:{listed}" if found else "one, made with --on modal",
        remedy="name it with --collection" if found else "generate something there first",
    )


def _describe(key: Key) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(key.settings.items()))
