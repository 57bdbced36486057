"""The artifact store of an installation."""

from functools import cache

from configs.installation import Installation
from forge_core.artifacts.bucket import Bucket
from forge_core.artifacts.store import Store


def open_store() -> Store:
    """The store that this installation's settings name."""
    installation = Installation()
    return Store(installation.store, _bucket(installation.bucket) if installation.bucket else None)


@cache
def _bucket(address: str) -> Bucket:
    """The bucket of an address, opened once in a process."""
    return Bucket(address)
