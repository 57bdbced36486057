"""The data sets that can be filled: of each kind the stage that makes its files, and the flow that fills a block."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from configs.operation import What
from configs.pipeline import DealSeries, SeedSeries
from configs.storage import open_store
from forge_core.artifacts.reference import Reference
from forge_core.bids.dataset import Bids
from forge_core.bids.settings import BidSettings
from forge_core.datasets.base import Dataset, Outcome, Receipt
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.dataset import Shards
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import Keep, ShardSettings
from tasks.devices import DeviceName
from tasks.stage import Call, Details

T = TypeVar("T")


class Filler(ABC, Generic[T]):
    """A data set with all that is needed to fill it.

    Attributes:
        flow: the flow that fills a block; its deployments are called on-demand and on-gpu.
        title: what the files are, for people.
        unit: one of its files.
        block: seeds of an object in the store.
        fill_block: files that a folder is filled with at a time: Ctrl-C finishes them first.
        dataset: how files are named, checked and found.
    """

    flow: ClassVar[str]
    title: ClassVar[str]
    unit: ClassVar[str]
    block: ClassVar[int]
    fill_block: ClassVar[int]
    dataset: Dataset[T]

    @abstractmethod
    def call(self, items: Sequence[T]) -> Call[Any]:
        """The call of the stage that makes the files of some items."""

    @abstractmethod
    def receipts(self, items: Sequence[T], details: Details) -> Sequence[Receipt]:
        """What came of the items, from what the stage says."""

    def kept(self, items: Sequence[T]) -> Sequence[Receipt]:
        """The receipts of items that were there."""
        return [Receipt(Path(self.dataset.relative_path(item)), Outcome.KEPT) for item in items]

    @abstractmethod
    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """The parameters with which the flow fills a block."""


class ShardFiller(Filler[DealRequest]):
    """Fills a data set of shards or value tables."""

    flow = "fill-shards"
    title, unit = "Shards", "shard"
    block, fill_block = 50, 100

    def __init__(self, dataset: Shards, device: DeviceName = "auto") -> None:
        self.dataset = dataset
        self._settings, self._device = dataset.settings, device

    @classmethod
    def of(cls, deals: DealSeries, settings: ShardSettings, device: DeviceName = "auto") -> "ShardFiller":
        """Fills the data set that a series of deals belongs to."""
        return cls(Shards(settings, deals.mode, deals.opponent_seeds), device)

    def call(self, items: Sequence[DealRequest]) -> Call[Any]:
        """See `Filler`."""
        from tasks.steps import deals_call

        return deals_call(items, self._settings)

    def receipts(self, items: Sequence[DealRequest], details: Details) -> Sequence[Receipt]:
        """See `Filler`."""
        from forge_core.shards.generate import ShardReceipt

        return [
            ShardReceipt(item.relative_path(), Outcome(outcome), rows, states, value)
            for item, (rows, states, value, outcome) in zip(items, details["deals"], strict=True)
        ]

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """See `Filler`."""
        deals = DealSeries(start=seeds.start, count=len(seeds))
        return {"folder": folder, "deals": deals, "shards": self._settings, "device": self._device}


class GameFiller(Filler[int]):
    """Fills a data set of E[Q] games, with a model or, if there is none, the exact solver as the oracle."""

    flow = "fill-games"
    title, unit = "E[Q] games", "game"
    block, fill_block = 20, 20

    def __init__(self, settings: EqSettings, model: Reference | Path | None) -> None:
        from tasks.generate_eq import check_oracle

        check_oracle(settings, has_model=model is not None)
        self.dataset = Games()
        self._settings, self._model = settings, model

    def call(self, items: Sequence[int]) -> Call[Any]:
        """See `Filler`."""
        from tasks.steps import games_call

        return games_call(items, self._settings, self._model)

    def receipts(self, items: Sequence[int], details: Details) -> Sequence[Receipt]:
        """See `Filler`."""
        return _written_or_kept(self.dataset, items, details)

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """See `Filler`."""
        games = SeedSeries(start=seeds.start, count=len(seeds))
        model = self._model.digest if isinstance(self._model, Reference) else self._model  # as a form takes it
        return {"folder": folder, "games": games, "settings": self._settings, "model": model}


class BidFiller(Filler[int]):
    """Fills a data set of bid matrices."""

    flow = "fill-bids"
    title, unit = "Bids", "hand"
    block, fill_block = 20, 20

    def __init__(self, settings: BidSettings) -> None:
        self.dataset = Bids(settings)
        self._settings = settings

    def call(self, items: Sequence[int]) -> Call[Any]:
        """See `Filler`."""
        from tasks.steps import bids_call

        return bids_call(items, self._settings)

    def receipts(self, items: Sequence[int], details: Details) -> Sequence[Receipt]:
        """See `Filler`."""
        return _written_or_kept(self.dataset, items, details)

    def parameters(self, folder: Path, seeds: range) -> dict[str, Any]:
        """See `Filler`."""
        hands = SeedSeries(start=seeds.start, count=len(seeds))
        return {"folder": folder, "hands": hands, "settings": self._settings}


def _written_or_kept(dataset: Dataset[int], seeds: Sequence[int], details: Details) -> Sequence[Receipt]:
    """The receipts of seeds, of which the stage says those that it made."""
    made = set(details["made"])
    return [
        Receipt(Path(dataset.relative_path(seed)), Outcome.WRITTEN if seed in made else Outcome.KEPT) for seed in seeds
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the flow `backfill` and its like are told: the settings of all kinds, of which each takes its own."""

    shards: ShardSettings = ShardSettings()  # noqa: RUF009 - frozen
    device: DeviceName = "auto"
    games: EqSettings = EqSettings()  # noqa: RUF009 - frozen
    model: Reference | Path | None = None
    bids: BidSettings = BidSettings()  # noqa: RUF009 - frozen


FILLERS: Mapping[What, Callable[[Asked], Filler[Any]]] = {
    "shards": lambda asked: ShardFiller(Shards(asked.shards), asked.device),
    "tables": lambda asked: ShardFiller(Shards(asked.shards.model_copy(update={"keep": Keep.TABLE})), asked.device),
    "games": lambda asked: GameFiller(asked.games, asked.model),
    "bids": lambda asked: BidFiller(asked.bids),
}
"""The registry: by what `make` of a backfill says. A new kind is a subclass of `Filler` and one line here."""


def gaps(filler: Filler[T], series: SeedSeries, folder: Path | None, *, breadth: int = 1) -> Iterator[Sequence[T]]:
    """The items without a file in the folder or, for None, in the store, block by block and at most `series.limit`."""
    if folder is not None:
        items = filler.dataset.items(series.seeds())
        yield from filler.dataset.missing_blocks(folder, items, size=filler.fill_block * breadth, limit=series.limit)
        return
    kept, left = open_store(), series.limit
    for seeds in _blocks(series, filler.block):
        items = list(filler.dataset.items(seeds))
        if kept.find(filler.call(items).key) is not None:
            continue
        yield items[:left]
        if left is not None and (left := max(left - len(items), 0)) == 0:
            return


def _blocks(series: SeedSeries, size: int) -> Iterator[range]:
    """The seeds cut at the multiples of `size`, so that series that overlap share their blocks in the store."""
    end = None if series.count is None else series.start + series.count
    for number in count(series.start // size):
        start, stop = max(number * size, series.start), (number + 1) * size
        if end is not None and start >= end:
            return
        yield range(start, stop if end is None else min(stop, end))
