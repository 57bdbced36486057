"""Find the training arrays that a model learned from."""

from pathlib import Path

from configs.storage import open_store
from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError
from forge_core.learn.settings import read_config
from forge_core.tokens.manifest import MANIFEST
from tasks.models import network_of


def tokens_of(model: Reference | Path) -> Reference:
    """The tokens that a model learned from, by the digest in its config; InputError when the store lacks them."""
    store = open_store()
    path, backend = network_of(model).path, store.backend
    digest = read_config(path).dataset_digest
    for entry in store.entries():
        listing = backend.listing(entry.reference.digest) if entry.reference.kind == "tokens" else None
        if listing and any((file.path, file.sha256) == (MANIFEST, digest) for file in listing.files):
            return entry.reference
    raise InputError.of(
        got=f"{path} without the training arrays it learned from, which are not in the store",
        expected="a token folder to take samples from",
        remedy="name one with --data DIR",
    )
