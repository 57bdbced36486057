"""One deal under one declaration as arrays: all that kernels know of the rules."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from forge_core.rules import SEATS, Deal
from forge_core.rules.tables import COUNT_POINTS, FOLLOWS, LED_SUIT, RANK, SUITS

_LED_SUIT = np.array(LED_SUIT, dtype=np.int64)
_FOLLOWS = np.array(FOLLOWS, dtype=np.int64)
_RANK = np.array(RANK, dtype=np.int64)
_COUNT_POINTS = np.array(COUNT_POINTS, dtype=np.int64)


class Game(NamedTuple):
    """The rules of one deal and declaration, per seat and slot.

    follow  [seat, suit] 7-bit mask of the slots that follow a led suit
    rank    [seat, slot, suit] strength in a trick of that suit, the highest wins, 0 cannot win
    led     [seat, slot] the suit 0-7 that it asks for when led
    points  [seat, slot] its count points: 0, 5 or 10
    """

    follow: Int64[np.ndarray, "4 8"]
    rank: Int64[np.ndarray, "4 7 8"]
    led: Int64[np.ndarray, "4 7"]
    points: Int64[np.ndarray, "4 7"]


def game_arrays(deal: Deal, declaration: int) -> Game:
    """The arrays of a deal under a declaration (0-9)."""
    dominoes = np.array(deal.dominoes, dtype=np.int64).reshape(len(SEATS), 7)
    follows = _FOLLOWS[declaration][:, dominoes]  # [suit, seat, slot]
    return Game(
        follow=np.ascontiguousarray((follows << np.arange(7)).sum(axis=2).T),
        rank=np.ascontiguousarray(_RANK[declaration][:, dominoes].transpose(1, 2, 0)),
        led=_LED_SUIT[declaration][dominoes],
        points=_COUNT_POINTS[dominoes],
    )


class Lanes(NamedTuple):
    """Which hands of the lane seat may do what, as sets of lanes (uint64).

    holds  [tricks left, slot] the hands of that size that hold the slot
    may    [tricks left, suit, slot] those that may play it when that suit is led
    """

    holds: np.ndarray
    may: np.ndarray


def lane_arrays(game: Game) -> Lanes:
    """The lane sets of seat 3, whose hand is the lane index (see `ranking`)."""
    holds = np.zeros((8, 7), dtype=np.uint64)
    may = np.zeros((8, len(SUITS), 7), dtype=np.uint64)
    masks = np.arange(128)
    sizes = np.bitwise_count(masks)
    bits = np.uint64(1) << (masks & 63).astype(np.uint64)
    for slot in range(7):
        has = masks >> slot & 1 == 1
        for suit in SUITS:
            following = masks & game.follow[3, suit]
            allowed = has & ((following == 0) | (following >> slot & 1 == 1))
            for size in range(1, 8):
                may[size, suit, slot] = np.bitwise_or.reduce(bits[allowed & (sizes == size)], initial=np.uint64(0))
        for size in range(1, 8):
            holds[size, slot] = np.bitwise_or.reduce(bits[has & (sizes == size)], initial=np.uint64(0))
    return Lanes(holds, may)
