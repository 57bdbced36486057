"""What two runs of the same have to agree on."""

from pathlib import Path

from forge_core.arena.record import read_all
from forge_core.artifacts.key import Entry


def outcome(store: Path, entry: Entry) -> str:
    """What an object says: its digest, but for a match, whose files say how long every play took, the contracts."""
    digest = entry.reference.digest
    if entry.key.stage != "arena":
        return digest
    return "\n".join(block.contracts.write_json() for block in read_all(store / "objects" / digest[:2] / digest))


def is_match(folder: Path) -> bool:
    """Whether an object's folder holds a match."""
    return (folder / "match.json").exists() or any(folder.glob("seeds_*_*.parquet"))
