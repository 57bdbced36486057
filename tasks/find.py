"""Find training arrays, or another object of the store, by what a person calls it."""

from pathlib import Path

from configs.installation import Installation
from configs.storage import open_store
from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError

LATEST = "latest"
_SHORTEST_PREFIX = 6


def find_object(name: str, kind: str) -> Reference | Path:
    """What a person means by a name.

    name  "latest", the object of that kind that was made last; the first digits (six or more) of an object's digest,
          with its kind before it or not; or a folder, from FORGE_HOME if it is relative

    Raises InputError when nothing, or more than one object, is called that.
    """
    found = {each.digest: each for entry in open_store().entries() if (each := entry.reference).kind == kind}
    if name == LATEST and found:
        return max(found.values(), key=_made)
    digits = name.removeprefix(kind).strip()
    if len(digits) >= _SHORTEST_PREFIX and set(digits) <= set("0123456789abcdef"):
        named = [each for each in found.values() if each.digest.startswith(digits)]
        if len(named) == 1:
            return named[0]
    folder = Installation().place(Path(name))
    if folder.exists():
        return folder
    raise InputError.of(
        got=f"{name!r}, which names no {kind}, or more than one",
        expected=f'"{LATEST}", the first digits of a digest in the store, or a folder',
        remedy="see `forge store ls`; give more digits, or the whole path of the folder",
    )


def _made(reference: Reference) -> float:
    """When an object was made, by the clock of this machine; 0 for one that only the bucket has."""
    folder = open_store().folder.object(reference.digest)
    return folder.stat().st_mtime if folder.exists() else 0.0
