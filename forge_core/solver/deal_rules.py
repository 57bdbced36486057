"""One deal under one declaration as arrays: all that kernels know of the rules."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from forge_core.rules import SEATS, Deal
from forge_core.solver.ranking import HOLDS, VOIDS
from forge_core.solver.rules_kernel import COUNT_POINTS, FOLLOWS, LED_SUITS, RANKS


class DealRules(NamedTuple):
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


def deal_rules(deal: Deal, declaration: int) -> DealRules:
    """The arrays of a deal under a declaration (0-9)."""
    dominoes = np.array(deal.dominoes, dtype=np.int64).reshape(len(SEATS), 7)
    follows = FOLLOWS[declaration][:, dominoes]  # [suit, seat, slot]
    return DealRules(
        follow=np.ascontiguousarray((follows << np.arange(7)).sum(axis=2).T),
        rank=np.ascontiguousarray(RANKS[declaration][:, dominoes].transpose(1, 2, 0)),
        led=LED_SUITS[declaration][dominoes],
        points=COUNT_POINTS[dominoes],
    )


class Lanes(NamedTuple):
    """Which hands of the lane seat may do what, as sets of lanes (uint64).

    holds  [tricks left, slot] the hands of that size that hold the slot
    may    [tricks left, suit, slot] those that may play it when that suit is led
    """

    holds: np.ndarray
    may: np.ndarray


def lane_arrays(rules: DealRules) -> Lanes:
    """The lane sets of seat 3, whose hand is the lane index (see `ranking`)."""
    follow = rules.follow[3]
    follows = follow[:, None] >> np.arange(7) & 1 == 1  # [suit, slot]
    may = HOLDS[:, None, :] & np.where(follows, ~np.uint64(0), VOIDS[:, follow, None])
    return Lanes(HOLDS, may)
