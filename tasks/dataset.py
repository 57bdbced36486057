"""Find the training arrays that a model learned from."""

import hashlib
from pathlib import Path

from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError
from forge_core.tokens.manifest import MANIFEST
from tasks.stage import source, store


def tokens_of(model: Reference | Path) -> Reference:
    """The tokens that a model learned from, by the digest in its config; InputError when the store lacks them."""
    from forge_core.learn.inference import load

    path = source(model).path
    config = load(path).config
    for entry in store().entries():
        if config is not None and entry.reference.kind == "tokens":
            manifest = store().path(entry.reference) / MANIFEST
            if hashlib.sha256(manifest.read_bytes()).hexdigest() == config.dataset_digest:
                return entry.reference
    raise InputError.of(
        got=f"{path} without the training arrays it learned from, which are not in the store",
        expected="a token folder to take samples from",
        remedy="name one with --data DIR",
    )
