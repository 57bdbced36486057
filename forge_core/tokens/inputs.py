"""The shards that a token folder is made of: found, checked, and cut into pieces that fit in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from forge_core.errors import InputError
from forge_core.files import sha256_of
from forge_core.shards.dataset import Shards
from forge_core.shards.read import inspect
from forge_core.shards.request import DealRequest
from forge_core.shards.schema import ShardMetadata
from forge_core.shards.settings import Keep
from forge_core.shards.split import Split, split_of


@dataclass(frozen=True, slots=True)
class InputShard:
    """A shard, known by its footer and the sha256 of its file; `group_rows` are the rows of its row groups."""

    path: Path
    digest: str
    metadata: ShardMetadata
    group_rows: tuple[int, ...]

    @property
    def split(self) -> Split:
        """The split that its seed belongs to."""
        return split_of(self.metadata.seed)

    @property
    def relative_path(self) -> str:
        """Its path in the folder of shards, "train/seed_00000000_decl_0.parquet"."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True, slots=True)
class Piece:
    """One row group of a shard and the most samples to draw from it; None = all."""

    shard: InputShard
    group: int
    most: int | None


def find_shards(folders: Sequence[Path]) -> list[Path]:
    """The paths of all shards in the folders, ordered by split and name.

    Raises InputError when there is none or two folders hold the same shard, DataError for a name that no shard has.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for relative, entry in Shards().files(folder).items():
            path = Path(entry.path)
            if relative in found:
                raise InputError.of(
                    got=f"the shard {relative} twice, in {found[relative].parent} and {path.parent}",
                    expected="every shard in one of the input folders",
                    remedy="name folders that do not overlap",
                )
            found[relative] = path
    if not found:
        raise InputError.of(
            got=f"no shards in {', '.join(map(str, folders)) or 'no folder'}",
            expected="folders with train/, val/ or test/ and Parquet files in them",
            remedy="generate shards first, or check the paths",
        )
    return [found[relative] for relative in sorted(found)]


def inspect_shard(path: Path) -> InputShard:
    """Read a shard's footer and digest.

    Raises InputError when it keeps a table, DataError when its name is not the one that its metadata ask for.
    """
    info = inspect(path)
    if info.metadata.keep is Keep.TABLE:
        raise InputError.of(
            got=f"{path}, which keeps the table",
            expected="shards that keep samples or all states",
            remedy="generate samples into another folder",
        )
    of = info.metadata
    Shards().check_name(path, DealRequest(of.seed, of.opponent_seed, of.declaration))
    return InputShard(path, sha256_of(path), info.metadata, info.group_rows)


def cut(shard: InputShard, samples_per_shard: int | None) -> Iterator[Piece]:
    """The row groups of a shard, among which `samples_per_shard` is shared out in proportion to their rows."""
    ends = list(accumulate(shard.group_rows, initial=0))
    for group, (start, end) in enumerate(pairwise(ends)):
        if samples_per_shard is None:
            yield Piece(shard, group, None)
        else:
            share = samples_per_shard * end // ends[-1] - samples_per_shard * start // ends[-1]
            yield Piece(shard, group, share)
