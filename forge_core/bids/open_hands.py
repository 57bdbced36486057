"""Open hands: the exact value of uniform worlds, for every declaration. An upper bound of what a bid is worth.

The declarer's side sees all four hands here and never has to guess. Prices that are read off open hands are too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from forge_core.bids.histogram import histogram
from forge_core.errors import InputError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.expected_q.streams import Purpose, stream
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import DOMINOES, HAND_POINTS, SEATS, Auction, is_double, next_seat, pips
from forge_core.rules.deal import check_hand
from forge_core.solver.search import search_opening_values

_HAS_PIP = np.array([[pip in pips(domino) for domino in DOMINOES] for pip in range(7)])
_IS_DOUBLE = np.array([is_double(domino) for domino in DOMINOES])
_MOST_DRAWS = 20_000
"""Worlds that are drawn for each one asked for before it is said that there are hardly any."""


@dataclass(frozen=True, slots=True)
class Bidders:
    """What the bids of others are taken to say.

    seats  that have bid, 1-3 from the left of the hand's holder
    offs   the most dominoes that each of them holds that are neither a trump nor a double, whatever it has bid
    """

    seats: tuple[int, ...]
    offs: int

    @classmethod
    def of(cls, auction: Auction, offs: int) -> "Bidders":
        """Those who have bid before the seat to call. InputError where none has, and for offs beyond 0-6."""
        seats = [next_seat(auction.dealer, 1 + place) for place, bid in enumerate(auction.calls) if bid is not None]
        if not seats:
            raise InputError.of(
                got=f"an assumption about bidders, and the calls {auction.names() or 'none'!r}",
                expected="a bid of another seat",
                remedy="name the calls so far, or assume nothing",
            )
        if not 0 <= offs <= 6:
            raise InputError.of(got=f"{offs} offs", expected="0 to 6", remedy="correct the number")
        return cls(tuple((seat - auction.caller) % 4 for seat in seats), offs)

    def allow(self, deals: UInt8[np.ndarray, "n 28"]) -> Bool[np.ndarray, "n"]:
        """Which deals the assumption leaves."""
        hands = deals.reshape(-1, 4, 7)
        return np.all([offs_held(hands[:, seat]) <= self.offs for seat in self.seats], axis=0)


def offs_held(hands: UInt8[np.ndarray, "n 7"]) -> Int64[np.ndarray, "n"]:
    """How many dominoes of each hand are neither trumps, under its best-pip trump, nor doubles."""
    trumps, doubles = _HAS_PIP[:, hands], _IS_DOUBLE[hands]
    held, with_double = trumps.sum(axis=2), (trumps & doubles).any(axis=2)
    best = (2 * held + with_double).argmax(axis=0)  # as in `best_pip`; which of equals does not change the number
    kept = trumps[best, np.arange(len(hands))] | doubles
    return 7 - kept.sum(axis=1)


def draw_worlds(hand: Sequence[int], n: int, *, seed: int, bidders: Bidders | None = None) -> UInt8[np.ndarray, "n 28"]:
    """`n` uniform deals in which seat 0 holds `hand`: those that `forge advise` draws for the opening lead.

    With `bidders`, those of a longer draw that they allow. InputError where next to none is allowed.
    """
    info = InformationSet.of(Record.of(0, 0, ()), SEATS[0], check_hand(hand))
    worlds, rng = Worlds.of(info), stream(seed, Purpose.WORLDS, 0)
    deals = worlds.draw(n, rng)
    if bidders is None:
        return deals
    kept, drawn = deals[bidders.allow(deals)], n
    while len(kept) < n:
        if drawn >= _MOST_DRAWS * n:
            raise InputError.of(
                got=f"{len(kept)} of {drawn:,} worlds in which seats {bidders.seats} hold at most {bidders.offs} offs",
                expected=f"{n}",
                remedy="allow them more offs",
            )
        deals = worlds.draw(max(n, 10_000), rng)
        kept, drawn = np.concatenate([kept, deals[bidders.allow(deals)]]), drawn + len(deals)
    return kept[:n]


def open_points(
    deals: UInt8[np.ndarray, "n 28"], declarations: Sequence[int], *, threads: int = 0
) -> Int64[np.ndarray, "d n"]:
    """The points that seat 0's team wins in each deal under each declaration, all hands open, both sides perfect."""
    rows = np.tile(deals, (len(declarations), 1))
    values = search_opening_values(rows, np.repeat(np.array(declarations, np.uint8), len(deals)), threads=threads)
    return (HAND_POINTS + values.astype(np.int64).reshape(len(declarations), len(deals))) // 2


def open_histograms(
    hand: Sequence[int],
    declarations: Sequence[int],
    n: int,
    *,
    seed: int = 0,
    threads: int = 0,
    bidders: Bidders | None = None,
) -> Int64[np.ndarray, "d 43"]:
    """The histogram of each declaration over the same `n` worlds."""
    points = open_points(draw_worlds(hand, n, seed=seed, bidders=bidders), declarations, threads=threads)
    return np.stack([histogram(row) for row in points])
