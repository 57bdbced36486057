"""What is in a folder of shards, and what is missing. The files themselves are the manifest: nothing can disagree."""

import os
from collections.abc import Iterable
from pathlib import Path

from forge_core.shards.request import DealRequest
from forge_core.shards.split import Split

_MAGIC = b"PAR1"


def missing(folder: Path, requests: Iterable[DealRequest]) -> list[DealRequest]:
    """The requests without a sound shard in `folder`, in their order.

    A shard counts as sound when it ends as a finished Parquet file does: a truncated or empty file is missing. (Flipped
    bits inside are found by the page checksums when it is read.) About 10 microseconds a request.
    """
    sound = {split: _sound_names(folder / split) for split in Split}
    paths = ((request, request.relative_path()) for request in requests)
    return [request for request, path in paths if path.name not in sound[Split(path.parent.name)]]


def is_sound(path: Path) -> bool:
    """Whether a file is there and ends as a finished Parquet file does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return _ends_well(descriptor)
    finally:
        os.close(descriptor)


def _sound_names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    names: set[str] = set()
    place = os.open(folder, os.O_RDONLY)
    try:
        for name in [entry.name for entry in os.scandir(place)]:
            if name.endswith(".parquet") and not name.startswith("."):
                descriptor = os.open(name, os.O_RDONLY, dir_fd=place)
                if _ends_well(descriptor):
                    names.add(name)
                os.close(descriptor)
    finally:
        os.close(place)
    return names


def _ends_well(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    if size < 3 * len(_MAGIC):
        return False
    tail = os.pread(descriptor, 8, size - 8)
    return tail[4:] == _MAGIC and int.from_bytes(tail[:4], "little") + 12 <= size
