"""What is kept of a deal that was too large: a hidden note beside the shards, so that it is solved once."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from forge_core.files import write_text

_SUFFIX = ".skipped"


class SkippedDeal(BaseModel):
    """A deal that a run found larger than its settings allowed: states of its game tree, V of the opening."""

    reachable_states: int
    opening_value: int

    @classmethod
    def read(cls, shard: Path) -> Self | None:
        """What is noted of the deal of a shard, if anything that can be read."""
        try:
            return cls.model_validate_json(_place(shard).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, shard: Path) -> None:
        """Leave the note, atomically, in the folder of a shard that was claimed."""
        write_text(_place(shard), self.model_dump_json())

    def exceeds(self, max_states: int | None) -> bool:
        """Whether the deal is larger than is allowed; None allows all."""
        return max_states is not None and self.reachable_states > max_states


def note_name(file_name: str) -> str:
    """The name of the note in place of a shard of that name."""
    return f".{file_name}{_SUFFIX}"


def _place(shard: Path) -> Path:
    return shard.with_name(note_name(shard.name))
