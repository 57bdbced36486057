"""What a backfill can make: how to see what a folder lacks, and which flow fills a block."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from prefect import State

from configs.pipeline import DealSeries, SeedSeries
from flows.fill_shards import fill_shards
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from forge_core.shards import manifest
from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.generate import check_folder
from forge_core.shards.settings import ShardSettings
from tasks.devices import DeviceName


class Kind(Protocol):
    """Something that is made of seeds, one file a seed.

    flow  the name of the flow that fills a block; its deployments are called on-demand and on-gpu
    """

    flow: ClassVar[str]

    def check(self, folder: Path) -> None:
        """Raise InputError when what is in the folder was made with other settings."""
        ...

    def missing(self, folder: Path, seeds: Iterable[int]) -> list[int]:
        """The seeds whose files the folder lacks, in their order, but for those known as too large."""
        ...

    def too_large(self, folder: Path, seeds: Iterable[int]) -> int:
        """How many of the seeds are known to be too large for the settings, so that no file is made of them."""
        ...

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """The flow's parameters for a block."""
        ...

    def fill(self, folder: Path, seeds: range) -> State[Any]:
        """Run the flow in this process; its last state."""
        ...


@dataclass(frozen=True, slots=True)
class Shards:
    """Shards, sampled or value tables, of each seed's deal under the declaration seed % 10."""

    flow: ClassVar[str] = "fill-shards"
    settings: ShardSettings
    device: DeviceName

    def check(self, folder: Path) -> None:
        """See `Kind`."""
        check_folder(folder, self.settings)

    def missing(self, folder: Path, seeds: Iterable[int]) -> list[int]:
        """See `Kind`."""
        requests = deal_requests(seeds, DealMode.STANDARD)
        return [request.seed for request in manifest.missing(folder, requests, max_states=self.settings.max_states)]

    def too_large(self, folder: Path, seeds: Iterable[int]) -> int:
        """See `Kind`."""
        requests = deal_requests(seeds, DealMode.STANDARD)
        return len(manifest.too_large(folder, requests, self.settings.max_states))

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """See `Kind`."""
        deals = DealSeries(start=seeds.start, count=len(seeds))
        return {"folder": folder, "deals": deals, "shards": self.settings, "device": self.device}

    def fill(self, folder: Path, seeds: range) -> State[Any]:
        """See `Kind`."""
        return fill_shards(**self.parameters(folder, seeds), return_state=True)


@dataclass(frozen=True, slots=True)
class Games:
    """E[Q] games, with a model or, if there is none, the exact solver as the oracle."""

    flow: ClassVar[str] = "fill-games"
    settings: EqSettings
    model: Reference | Path | None

    def check(self, folder: Path) -> None:
        """See `Kind`; games say in themselves how they were made, and may be mixed."""

    def missing(self, folder: Path, seeds: Iterable[int]) -> list[int]:
        """See `Kind`."""
        from forge_core.expected_q.files import missing  # writes with torch, which takes seconds to import

        return missing(folder, seeds)

    def too_large(self, folder: Path, seeds: Iterable[int]) -> int:
        """See `Kind`; no game is too large."""
        return 0

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """See `Kind`."""
        games = SeedSeries(start=seeds.start, count=len(seeds))
        model = self.model.digest if isinstance(self.model, Reference) else self.model  # as a form takes it
        return {"folder": folder, "games": games, "settings": self.settings, "model": model}

    def fill(self, folder: Path, seeds: range) -> State[Any]:
        """See `Kind`."""
        from flows.fill_games import fill_games

        return fill_games(**self.parameters(folder, seeds), return_state=True)
