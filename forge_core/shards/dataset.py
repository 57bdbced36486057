"""Shards as a data set of seeds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from forge_core.datasets.base import Dataset
from forge_core.errors import InputError
from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.read import check_pages, read_metadata
from forge_core.shards.request import DealRequest
from forge_core.shards.sampling import sampling_of
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.skipped import SkippedDeal, note_name
from forge_core.shards.split import Split

_NAME = re.compile(r"seed_(\d{8,19})(?:_opp(\d{1,19}))?_decl_(\d)\.parquet")


@dataclass(frozen=True, slots=True)
class Shards(Dataset[DealRequest]):
    """Shards, sampled or value tables; see `Dataset` for the methods.

    Attributes:
        settings: what is kept of a deal. Deals with more than `max_states` states are not wanted: a hidden note beside
            the shards says how large a deal was found to be.
        mode: how seeds become deals.
        opponent_seeds: how often each hand of seat 0 is dealt, for the marginalized mode.
    """

    suffix = ".parquet"
    settings: ShardSettings = field(default_factory=ShardSettings)
    mode: DealMode = DealMode.STANDARD
    opponent_seeds: int = 3

    def items(self, seeds: Iterable[int]) -> Iterator[DealRequest]:
        """The deals of some seeds."""
        return deal_requests(seeds, self.mode, opponent_seeds=self.opponent_seeds)

    def relative_path(self, item: DealRequest) -> str:
        """As in "train/seed_00000000_decl_0.parquet"."""
        return f"{item.split}/{item.file_name}"

    def seed_of(self, item: DealRequest) -> int:
        """The seed that deals seat 0's hand."""
        return item.seed

    def parse(self, name: str) -> DealRequest | None:
        """The deal that a file name stands for."""
        if (match := _NAME.fullmatch(name)) is None:
            return None
        seed, opponent, declaration = match.groups()
        try:
            request = DealRequest(int(seed), None if opponent is None else int(opponent), int(declaration))
        except InputError:
            return None
        return request if request.file_name == name else None

    def identify(self, path: Path) -> DealRequest:
        """The deal of a shard, from its footer."""
        there = read_metadata(path)
        return DealRequest(there.seed, there.opponent_seed, there.declaration)

    def read_whole(self, path: Path) -> DealRequest:
        """The deal of a shard, every page of which has its checksum."""
        check_pages(path)
        return self.identify(path)

    def check_settings(self, path: Path) -> None:
        """InputError when a shard was made with other settings."""
        there = read_metadata(path)
        request = DealRequest(there.seed, there.opponent_seed, there.declaration)
        sampling = sampling_of(request, self.settings) if self.settings.keep is Keep.SAMPLES else None
        if (there.keep, there.sampling) != (self.settings.keep, sampling):
            raise InputError.of(
                got=f"{path}, made with {there.keep} {there.sampling or ''}",
                expected=f"shards made with {self.settings.keep} {sampling or ''}",
                remedy="choose another folder, or the settings that this one was made with",
            )

    def unwanted(self, folder: Path, items: Iterable[DealRequest]) -> list[DealRequest]:
        """The deals that were found to have more than `max_states` reachable states."""
        if self.settings.max_states is None:
            return []
        notes = {
            f"{split}/{path.name}" for split in Split for path in (folder / split).glob(note_name(f"*{self.suffix}"))
        }
        noted = (item for item in items if f"{item.split}/{note_name(item.file_name)}" in notes)
        read = ((item, SkippedDeal.read(self.path(folder, item))) for item in noted)
        return [item for item, deal in read if deal is not None and deal.exceeds(self.settings.max_states)]
