"""Which trumps seat 0 calls."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8, UInt64

from forge_core.arena.settings import Declare
from forge_core.errors import InputError
from forge_core.players.decisions import AnyPlayer
from forge_core.players.trumps import best_pip


@runtime_checkable
class Declarer(Protocol):
    """A player that chooses its trumps itself."""

    def declare(
        self, hands: UInt8[np.ndarray, "n 7"], bids: UInt8[np.ndarray, "n"], keys: UInt64[np.ndarray, "n"]
    ) -> UInt8[np.ndarray, "n"]:
        """A declaration 0-9 for each hand under its bid; `keys` are of its random numbers."""
        ...


def declarations(
    declare: Declare,
    player: AnyPlayer,
    hands: UInt8[np.ndarray, "n 7"],
    bids: UInt8[np.ndarray, "n"],
    keys: UInt64[np.ndarray, "n"],
    seeds: Sequence[int],
) -> UInt8[np.ndarray, "n"]:
    """The declarations of the hands of a block. InputError when the player is to choose and cannot."""
    if declare is Declare.FIXED:
        return np.array([seed % 10 for seed in seeds], np.uint8)
    if declare is Declare.BEST_PIP:
        return np.array([best_pip(hand) for hand in hands.tolist()], np.uint8)
    if not isinstance(player, Declarer):
        raise InputError.of(
            got=f"the player {player.name!r}, which does not choose its trumps",
            expected="a player that declares, such as pimc",
            remedy="use --declare best-pip",
        )
    return player.declare(hands, bids, keys)
