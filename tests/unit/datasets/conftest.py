from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forge_core.bids.dataset import Bids, generate_bids
from forge_core.bids.settings import BidSettings
from forge_core.datasets.base import Dataset
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.generate import generate_games
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.players.registry import make_player
from forge_core.shards.dataset import Shards
from forge_core.shards.generate import write_block
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.solver.search import search_q

SEEDS = (1, 900, 951)


@dataclass(frozen=True)
class Filled:
    """A data set, its items of `SEEDS`, and a folder with all of them."""

    dataset: Dataset[Any]
    items: list[Any]
    folder: Path

    def path(self, number: int) -> Path:
        return self.dataset.path(self.folder, self.items[number])


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Filled]:
    folder = tmp_path_factory.mktemp("datasets")
    few, table = ShardSettings(states_per_deal=300), ShardSettings(keep=Keep.TABLE)
    kinds: dict[str, Dataset[Any]] = {"shards": Shards(few), "tables": Shards(table), "games": Games()}
    bids = BidSettings(samples=3, playouts=2, seat_model="highest")
    kinds["bids"] = Bids(bids)
    generate_bids(folder / "bids", SEEDS, bids, make_player(bids.seat_model))
    for name in ("shards", "tables"):
        write_block(list(Shards().items(SEEDS)), few if name == "shards" else table, folder / name)
    generate_games(folder / "games", SEEDS, ExactOracle(search_q, "1"), EqSettings(n_worlds=2, enumerate_up_to=2))
    return {name: Filled(kind, list(kind.items(SEEDS)), folder / name) for name, kind in kinds.items()}
