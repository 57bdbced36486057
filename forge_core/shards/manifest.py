"""What is missing in a folder of shards; see `forge_core.shards.dataset`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from forge_core.shards.dataset import Shards
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings

T = TypeVar("T")

_WINDOW = 10_000


def missing(folder: Path, requests: Iterable[DealRequest], *, max_states: int | None = None) -> list[DealRequest]:
    """See `Dataset.missing`."""
    return Shards(ShardSettings(max_states=max_states)).missing(folder, requests)


def too_large(folder: Path, requests: Iterable[DealRequest], max_states: int | None) -> list[DealRequest]:
    """See `Shards.unwanted`."""
    return Shards(ShardSettings(max_states=max_states)).unwanted(folder, requests)


def missing_blocks(
    folder: Path, wanted: Iterable[T], *, size: int, limit: int | None = None, find: Callable[[Path, list[T]], list[T]]
) -> Iterator[list[T]]:
    """See `Dataset.missing_blocks`; `find` says what of a list the folder lacks."""
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
