"""What is in a folder of shards, and what is missing. The files themselves are the manifest: nothing can disagree."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from forge_core.shards.request import DealRequest
from forge_core.shards.skipped import SkippedDeal, note_name
from forge_core.shards.split import Split

T = TypeVar("T")

_MAGIC = b"PAR1"
_WINDOW = 10_000
"""Looked up at a time when what is missing of a long or endless series is wanted in blocks."""


def missing(folder: Path, requests: Iterable[DealRequest], *, max_states: int | None = None) -> list[DealRequest]:
    """The requests without a sound shard in `folder`, in their order; about 12 microseconds each.

    A deal that is known to have more than `max_states` reachable states is not missing: it is not wanted.

    A shard counts as sound when it ends as a finished Parquet file does, so a truncated or empty one is missing.
    (Flipped bits inside are found by the page checksums when it is read.)
    """
    present = {split: _names(folder / split) for split in Split}
    places = {split: f"{folder / split}{os.sep}" for split in Split}

    def is_there(request: DealRequest) -> bool:
        split, name = request.split, request.file_name
        return name in present[split] and is_sound(places[split] + name)

    gaps = [request for request in requests if not is_there(request)]
    unwanted = set(too_large(folder, gaps, max_states))
    return [request for request in gaps if request not in unwanted]


def too_large(folder: Path, requests: Iterable[DealRequest], max_states: int | None) -> list[DealRequest]:
    """The requests whose deals an earlier run skipped, because they have more than `max_states` reachable states."""
    if max_states is None:
        return []
    present = {split: _names(folder / split) for split in Split}
    noted = (request for request in requests if note_name(request.file_name) in present[request.split])
    read = ((request, SkippedDeal.read(folder / request.relative_path())) for request in noted)
    return [request for request, deal in read if deal is not None and deal.exceeds(max_states)]


def missing_blocks(
    folder: Path, wanted: Iterable[T], *, size: int, limit: int | None = None, find: Callable[[Path, list[T]], list[T]]
) -> Iterator[list[T]]:
    """What is missing, in blocks of at most `size`, at most `limit` in all; `wanted` may be endless.

    `find` says what of a list the folder lacks: `missing` for shards. It is asked again from time to time, so that what
    another generator made meanwhile is left out.
    """
    source = iter(wanted)
    left = limit
    while window := list(islice(source, _WINDOW)):
        gaps = find(folder, window)[:left]
        for start in range(0, len(gaps), size):
            yield gaps[start : start + size]
        if left is not None:
            left -= len(gaps)
            if left == 0:
                return


def is_sound(path: Path | str) -> bool:
    """Whether a file is there and ends as a finished Parquet file does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        return size > 2 * len(_MAGIC) and os.pread(descriptor, len(_MAGIC), size - len(_MAGIC)) == _MAGIC
    finally:
        os.close(descriptor)


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
