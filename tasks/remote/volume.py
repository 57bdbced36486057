"""Files to the Volume and back: receipts first, then what they list, and nothing that is there already."""

import asyncio
import io
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, TypeVar

import modal
from modal.types import FileEntryType
from pydantic import ValidationError

from forge_core.artifacts.collection import ABOUT, INPUTS, Block, Receipt, input_mark, input_name
from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import FileEntry, Source, list_folder
from forge_core.errors import DamagedFile, InputError, RemoteError
from forge_core.files import inside, replacing, sha256_of
from tasks.remote.running import for_each

logger = logging.getLogger(__name__)

T = TypeVar("T")

_ATTEMPTS = 4


async def collections(volume: modal.Volume) -> list[tuple[str, Key]]:
    """The collections on the Volume: their places and keys."""
    stages = await _names(volume, "", folders=True)
    places = [f"{stage}/{name}" for stage in stages for name in await _names(volume, stage, folders=True)]
    found: list[tuple[str, Key]] = []
    for place in places:
        try:
            found.append((place, Key.model_validate_json(await _read(volume, f"{place}/{ABOUT}"))))
        except (FileNotFoundError, ValidationError):
            continue  # no collection, or one without a finished block
    return found


async def receipts(volume: modal.Volume, wanted: Mapping[T, Block]) -> dict[T, Receipt]:
    """The receipts of those blocks that were made; one that cannot be read counts as not made."""
    there = {
        f"{place}/{name}"
        for place in {each.collection for each in wanted.values()}
        for name in await _names(volume, place)
    }
    found: dict[T, Receipt] = {}

    async def look(item: tuple[T, Block]) -> None:
        if (receipt := await read_receipt(volume, item[1].receipt)) is not None:
            found[item[0]] = receipt

    await for_each(look, ((name, block) for name, block in wanted.items() if block.receipt in there))
    return found


async def read_receipt(volume: modal.Volume, path: str) -> Receipt | None:
    """A receipt; None for one that is empty, damaged or not there."""
    try:
        return Receipt.model_validate_json(await _read(volume, path))
    except (FileNotFoundError, ValidationError, InputError):
        return None


async def blocks_at(volume: modal.Volume, place: str) -> dict[str, Receipt]:
    """The receipts of all blocks of the collection at a place, by their folders."""
    names = [name for name in await _names(volume, place) if name.endswith(".json") and name != ABOUT]
    found: dict[str, Receipt] = {}

    async def look(name: str) -> None:
        if (receipt := await read_receipt(volume, f"{place}/{name}")) is not None:
            found[f"{place}/{name.removesuffix('.json')}"] = receipt

    await for_each(look, names)
    return dict(sorted(found.items()))


async def fetch(
    volume: modal.Volume, place: str, files: Iterable[FileEntry], folder: Path, *, advance: Callable[[int], None]
) -> int:
    """Bring the files of a block, which lie at `place`, into a folder, unless they are there; how many were missing.

    A file appears whole and with the digest that its receipt says, or not at all, so a download that was broken off is
    begun again with the next file. Raises RemoteError or DamagedFile when one cannot be had.
    """
    missing = [file for file in files if not _is_there(inside(folder, file.path), file)]

    async def bring(file: FileEntry) -> None:
        await _bring(volume, f"{place}/{file.path}", file, inside(folder, file.path))
        advance(1)

    await for_each(bring, missing)
    return len(missing)


async def push(volume: modal.Volume, source: Source, *, what: str) -> None:
    """Send an input to the Volume, under its digest, unless it is there. Its mark goes last, and says that it is."""
    place = f"{INPUTS}/{input_name(source)}"
    if f"{source.digest}.json" in await _names(volume, INPUTS):
        return
    logger.info("%-12s sending %s to the Volume", "modal", what)
    async with volume.batch_upload(force=True) as batch:
        if source.path.is_file():
            batch.put_file(source.path, place)
        else:
            for file in list_folder(source.path).files:
                batch.put_file(source.path / file.path, f"{place}/{file.path}")
    async with volume.batch_upload(force=True) as batch:
        batch.put_file(io.BytesIO(input_mark(source)), f"{INPUTS}/{source.digest}.json")


async def _bring(volume: modal.Volume, remote: str, file: FileEntry, target: Path) -> None:
    with replacing(target) as temporary:
        try:
            with temporary.open("wb") as part:
                await _read_into(volume, remote, part)
        except FileNotFoundError as error:
            raise _gone(remote) from error
        if sha256_of(temporary) != file.sha256:
            raise DamagedFile.of(
                got=f"{remote} with another digest than its receipt says",
                expected=f"SHA-256 {file.sha256[:12]}",
                remedy="delete it with `modal volume rm` and generate it again",
            )


async def _read_into(volume: modal.Volume, remote: str, target: IO[bytes]) -> None:
    """Read a file of the Volume, again when it breaks off. Raises FileNotFoundError, or RemoteError in the end."""
    for attempt in range(_ATTEMPTS):
        target.seek(0)
        target.truncate()
        try:
            await volume.read_file_into_fileobj.aio(remote, target)
            return
        except (FileNotFoundError, modal.exception.NotFoundError) as error:
            raise FileNotFoundError(remote) from error
        except Exception as error:
            if attempt + 1 == _ATTEMPTS:
                raise RemoteError.of(
                    got=f"{remote}, broken off {_ATTEMPTS} times ({type(error).__name__})",
                    expected="the whole file from the Volume",
                    remedy="run the same command again: what has arrived is kept",
                ) from error
            await asyncio.sleep(0.2 * 2**attempt)


async def _names(volume: modal.Volume, folder: str, *, folders: bool = False) -> list[str]:
    """The names of the files, or of the folders, in a folder of the Volume; none when it is not there."""
    wanted = FileEntryType.DIRECTORY if folders else FileEntryType.FILE
    try:
        entries = await volume.listdir.aio(f"/{folder}")
    except (FileNotFoundError, modal.exception.NotFoundError):
        return []
    return sorted(Path(entry.path).name for entry in entries if entry.type == wanted)


async def _read(volume: modal.Volume, path: str) -> bytes:
    buffer = io.BytesIO()
    await _read_into(volume, path, buffer)
    return buffer.getvalue()


def _is_there(path: Path, file: FileEntry) -> bool:
    """Whether the file is there, with the digest that its receipt says: the size alone tells nothing."""
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _gone(remote: str) -> RemoteError:
    return RemoteError.of(
        got=f"a receipt of {remote}, which is not on the Volume",
        expected="the file that the receipt lists",
        remedy="delete the receipt with `modal volume rm`, and generate the block again",
    )
