"""Files to the Volume and back: receipts first, then what they list, and nothing that is there already."""

import asyncio
import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import modal
from modal.types import FileEntryType
from pydantic import ValidationError

from configs.installation import Installation
from forge_core.artifacts.collection import ABOUT, FILES, INPUTS, RECEIPTS, Receipt, input_mark, input_name, place_of
from forge_core.artifacts.key import Key
from forge_core.artifacts.listing import FileEntry, Source, list_folder
from forge_core.errors import DamagedFile, RemoteError
from tasks.remote.running import first_of

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_ATTEMPTS = 4


class Files:
    """What a collection holds: its place on the Volume, its receipts, and all files that these list, by path.

    No dataclass: Prefect would walk through all of it each time it is handed to a task.
    """

    def __init__(self, place: str, receipts: Iterable[Receipt]) -> None:
        self.place = place
        self.receipts = tuple(receipts)
        self.by_path = {file.path: file for receipt in self.receipts for file in receipt.files}


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


async def files_of(volume: modal.Volume, key: Key) -> Files:
    """What the collection of a key holds; nothing when there is none."""
    return await files_at(volume, place_of(key))


async def files_at(volume: modal.Volume, place: str) -> Files:
    """What the collection at a place holds. Receipts never change: those seen before are read from this machine."""
    kept = Installation().home.absolute() / "modal" / "receipts" / place
    names = await _names(volume, f"{place}/{RECEIPTS}")
    limit = asyncio.Semaphore(_AT_ONCE)

    async def receipt(name: str) -> Receipt:
        path = kept / name
        if not path.is_file():
            async with limit:
                content = await _read(volume, f"{place}/{RECEIPTS}/{name}")
            _write(path, content)
        return Receipt.model_validate_json(path.read_bytes())

    wanted = [name for name in names if name.endswith(".json") and not name.startswith(".")]
    return Files(place, await asyncio.gather(*(receipt(name) for name in wanted)))


async def fetch(
    volume: modal.Volume, place: str, files: Iterable[FileEntry], folder: Path, *, advance: Callable[[int], None]
) -> int:
    """Bring files of a collection into a folder, unless they are there; how many were missing.

    A file appears whole and with the digest that its receipt says, or not at all, so a download that was broken off is
    begun again with the next file. Raises RemoteError or DamagedFile when one cannot be had.
    """
    missing = [file for file in files if not _is_there(folder / file.path, file)]
    limit = asyncio.Semaphore(_AT_ONCE)

    async def bring(file: FileEntry) -> None:
        async with limit:
            await _bring(volume, f"{place}/{FILES}/{file.path}", file, folder / file.path)
        advance(1)

    try:
        async with asyncio.TaskGroup() as group:
            for file in missing:
                group.create_task(bring(file))
    except BaseExceptionGroup as failures:
        raise first_of(failures) from None
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
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as part:
            await _read_into(volume, remote, part)
        if _digest(temporary) != file.sha256:
            raise DamagedFile.of(
                got=f"{remote} with another digest than its receipt says",
                expected=f"SHA-256 {file.sha256[:12]}",
                remedy="delete it with `modal volume rm` and generate it again",
            )
        temporary.replace(target)
    except FileNotFoundError as error:
        raise _gone(remote) from error
    finally:
        temporary.unlink(missing_ok=True)


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
    return path.is_file() and path.stat().st_size == file.size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _gone(remote: str) -> RemoteError:
    return RemoteError.of(
        got=f"a receipt of {remote}, which is not on the Volume",
        expected="the file that the receipt lists",
        remedy="delete the receipt with `modal volume rm`, and generate the block again",
    )
