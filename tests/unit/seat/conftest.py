"""Networks with drawn weights, and decisions of contracts in all stages."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions
from forge_core.players.registry import make_player
from forge_core.rules import deal_from_seed
from forge_core.seat.model import AskedInRows
from forge_core.seat.network import SeatNetwork, build_seat_network
from forge_core.seat.settings import SIZES
from forge_core.seat.torch_model import torch_seat


def drawn_network(size: Any = "tiny", network: Any = "mlp") -> SeatNetwork:
    return build_seat_network(SIZES[network, size], seed=1).eval()


@pytest.fixture(scope="session")
def model() -> AskedInRows:
    return torch_seat(drawn_network(), threads=1, digest="drawn")


def some_contracts(n: int, *, start: int = 0, bid: int = 30) -> Contracts:
    seeds = np.arange(start, start + n, dtype=np.int64)
    deals = np.array([deal_from_seed(int(seed)).dominoes for seed in seeds], np.uint8)
    bidders = (seeds % 4).astype(np.uint8)
    return Contracts(deals, (seeds % 10).astype(np.uint8), bidders, np.full(n, bid, np.uint8), seeds)


def decisions_at(contracts: Contracts, ply: int) -> Decisions:
    """Random play up to a ply, whatever the bids."""
    table, player, rows = Table.of(contracts), make_player("random"), np.arange(len(contracts))
    for before in range(ply):
        asked = table.decisions(rows, before)
        table.put(rows, before, player.play(asked), asked, "random")  # type: ignore[union-attr]
    return table.decisions(rows, ply)


At = Callable[[Contracts, int], Decisions]
