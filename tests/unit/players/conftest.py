"""Contracts to be played."""

import numpy as np

from forge_core.players.contracts import Contracts
from forge_core.rules import deal_from_seed


def contracts(n: int, *, start: int = 0, bid: int = 30, bidder: int | None = None) -> Contracts:
    """Contracts of consecutive seeds: all declarations, every seat as the bidder unless one is given."""
    seeds = np.arange(start, start + n)
    deals = np.array([deal_from_seed(int(seed)).dominoes for seed in seeds], np.uint8)
    bidders = seeds % 4 if bidder is None else np.full(n, bidder)
    return Contracts(
        deals,
        (seeds % 10).astype(np.uint8),
        bidders.astype(np.uint8),
        np.full(n, bid, np.uint8),
        seeds.astype(np.int64),
    )
