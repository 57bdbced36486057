"""Playouts: uniform deals played to the end by seats that see one hand. The price of a bid.

The deals are those of the open-hand values, so that the two columns differ by the players alone.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from forge_core.bids.histogram import histogram
from forge_core.bids.open_hands import Bidders, draw_worlds
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.players.contracts import Contracts, Played, play_out
from forge_core.players.decisions import AnyPlayer, Player
from forge_core.players.streams import derived_keys, stream_keys


def play_histograms(
    hand: Sequence[int],
    declarations: Sequence[int],
    settings: BidSettings,
    player: AnyPlayer,
    *,
    seed: int = 0,
    bidders: Bidders | None = None,
) -> Int64[np.ndarray, "d 43"]:
    """The histogram of each declaration over `settings.playouts` deals, the same ones for each."""
    deals = draw_worlds(hand, settings.playouts, seed=seed, bidders=bidders)
    rows = np.tile(deals, (len(declarations), 1))
    played = play_deals(rows, np.repeat(np.array(declarations, np.uint8), len(deals)), settings, player, seed=seed)
    points = played.points[:, 0].astype(np.int64).reshape(len(declarations), len(deals))
    return np.stack([histogram(row) for row in points])


def play_deals(
    deals: UInt8[np.ndarray, "n 28"],
    declarations: UInt8[np.ndarray, "n"],
    settings: BidSettings,
    player: AnyPlayer,
    *,
    seed: int = 0,
) -> Played:
    """Play every deal to the end under its declaration, seat 0 declaring, the same player on all four seats.

    What the k-th deal under a declaration comes to does not depend on the other declarations.
    Raises InputError for a player that looks into the others' hands.
    """
    if not isinstance(player, Player):
        raise InputError.of(
            got=f"the player {player.name!r}, which sees all hands",
            expected="a player that sees one hand",
            remedy="choose another seat model, as in pimc:worlds=2",
        )
    n = len(deals)
    order = np.zeros(n, np.int64)  # the number of each deal among those of its declaration
    for declaration in np.unique(declarations):
        mine = declarations == declaration
        order[mine] = np.arange(mine.sum())
    keys = stream_keys(order, 0, declarations.astype(np.int64), 0)
    seeds = (derived_keys(keys, seed) >> np.uint64(1)).astype(np.int64)
    bids = np.full(n, settings.play_for, np.uint8)
    return play_out(Contracts(deals, declarations, np.zeros(n, np.uint8), bids, seeds), player, player, to_the_end=True)
