"""E[Q] games as a data set of seeds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from forge_core.datasets.base import Dataset
from forge_core.rules.deal import MAX_SEED, check_seed
from forge_core.shards.split import split_of

_NAME = re.compile(r"seed_(\d{8,19})\.pt")


@dataclass(frozen=True, slots=True)
class Games(Dataset[int]):
    """E[Q] games, one a seed; see `Dataset` for the methods. They say in themselves how they were made."""

    suffix = ".pt"

    def items(self, seeds: Iterable[int]) -> Iterator[int]:
        """The seeds themselves."""
        return map(check_seed, seeds)

    def relative_path(self, item: int) -> str:
        """As in "train/seed_00000000.pt"."""
        return f"{split_of(check_seed(item))}/seed_{item:08d}.pt"

    def seed_of(self, item: int) -> int:
        """The seed itself."""
        return item

    def parse(self, name: str) -> int | None:
        """The seed that a file name stands for."""
        match = _NAME.fullmatch(name)
        seed = None if match is None else int(match[1])
        return seed if seed is not None and seed <= MAX_SEED and name == f"seed_{seed:08d}.pt" else None

    def identify(self, path: Path) -> int:
        """The seed of a game."""
        return self.read_whole(path)

    def read_whole(self, path: Path) -> int:
        """The seed of a game, every record of which has its checksum."""
        from forge_core.expected_q.files import read_game  # with torch, which takes seconds to import

        return read_game(path).seed
