"""What housekeeping sees of a store, be it a folder or a bucket."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from forge_core.artifacts.key import Entry
from forge_core.artifacts.listing import Listing


class KeyFile(NamedTuple):
    """A key: its digest, what is noted under it (None: unreadable), when it was last of use (seconds since 1970)."""

    digest: str
    entry: Entry | None
    used: float


class Stored(NamedTuple):
    """An object: its digest, its listing (None: unreadable), when it was last of use (seconds since 1970).

    linked  a folder outside the store shares a file with it
    """

    digest: str
    listing: Listing | None
    used: float
    linked: bool = False


class Orphan(NamedTuple):
    """What a killed process left behind: where, what it is, its bytes, when it was changed (seconds since 1970)."""

    place: str
    what: str
    size: int
    changed: float


class Backend(Protocol):
    """Where the keys and objects of a store lie."""

    name: str

    def key_files(self) -> Iterator[KeyFile]:
        """All keys, in no order."""
        ...

    def objects(self) -> Iterator[Stored]:
        """All objects, in no order."""
        ...

    def corruption(self, digest: str, *, on_bytes: Callable[[int], None] | None = None) -> str | None:
        """What is wrong with an object, in words; None when every file is there and has its digest."""
        ...

    def running_since(self) -> float | None:
        """When the oldest process that still runs began to use the store, as far as this is known."""
        ...

    def discard(self, digest: str | None, keys: Sequence[str], *, before: float) -> bool:
        """Remove an object and the keys that lead to it, unless one of them was of use since; whether it is gone."""
        ...

    def orphans(self) -> Iterator[Orphan]:
        """What killed processes left behind, and nothing that a running one may still need."""
        ...

    def clear(self, orphan: Orphan) -> bool:
        """Remove an orphan, unless somebody has taken it up meanwhile; whether it is gone."""
        ...
