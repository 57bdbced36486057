"""The auction and the marks: who bids in which order, what a bid promises, what it pays.

A hand has one round of calls, left of the dealer first and the dealer last. A call is a pass or a bid above all before
it: 30 to 41 points, 42 points (one mark), or two marks, which promise 42 points, too, and pay double. When three pass,
the dealer has to bid at least 30, or, where the table plays so, the hand is shaken again. The highest bidder declares.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import total_ordering

from forge_core.errors import InputError
from forge_core.rules.domino import HAND_POINTS
from forge_core.rules.seat import SEATS, next_seat

LOWEST_BID = 30
GAME_MARKS = 7
"""The marks that win a game."""


class AllPass(StrEnum):
    """What happens when the three others have passed: the dealer is forced to bid, or may pass for a reshake."""

    FORCED = "forced"
    RESHAKE = "reshake"


@total_ordering
@dataclass(frozen=True, slots=True)
class Bid:
    """A bid; bids compare by their order in the auction.

    points  what the bidding team promises to win, 30-42
    marks   what the contract pays to whoever wins it: 2 only with 42 points, else 1

    Raises InputError for a bid that the rules do not have.
    """

    points: int
    marks: int = 1

    def __post_init__(self) -> None:
        in_points = self.marks == 1 and LOWEST_BID <= self.points <= HAND_POINTS
        if not in_points and (self.points, self.marks) != (HAND_POINTS, 2):
            raise _no_bid(f"a bid of {self.points} points and {self.marks} marks")

    def __lt__(self, other: "Bid") -> bool:
        return (self.marks, self.points) < (other.marks, other.points)

    def __str__(self) -> str:
        return "2-marks" if self.marks == 2 else str(self.points)

    def is_made(self, points: int) -> bool:
        """Whether a bidding team with these points (0-42) has made it."""
        return points >= self.points


BIDS = (*(Bid(points) for points in range(LOWEST_BID, HAND_POINTS + 1)), Bid(HAND_POINTS, 2))
"""Every bid, the lowest first: 30 to 42, two marks."""


def parse_bid(text: str) -> Bid | None:
    """The bid of "30" ... "42", "1-mark", "2-marks"; None for "pass". InputError otherwise."""
    word = re.sub(r"[\s_-]+", "-", text.strip().lower())
    if word == "pass":
        return None
    if word in ("1-mark", "one-mark"):
        return Bid(HAND_POINTS)
    if word in ("2-marks", "two-marks"):
        return BIDS[-1]
    if not re.fullmatch("[0-9]{1,3}", word) or not LOWEST_BID <= int(word) <= HAND_POINTS:
        raise _no_bid(f"the bid {text!r}")
    return Bid(int(word))


def _no_bid(got: str) -> InputError:
    return InputError.of(
        got=got, expected="30 to 42 points, 1-mark (42 points), 2-marks, or pass", remedy="correct the bid"
    )


@dataclass(frozen=True, slots=True)
class Auction:
    """An auction; immutable, `call` returns the next one.

    dealer    seat 0-3
    calls     so far, left of the dealer first; None = pass
    all_pass  the rule for a hand that the three others have passed
    """

    dealer: int
    calls: tuple[Bid | None, ...] = ()
    all_pass: AllPass = AllPass.FORCED

    def __post_init__(self) -> None:
        if self.dealer not in SEATS:
            raise InputError.of(got=f"dealer {self.dealer}", expected="a seat 0-3", remedy="correct the seat")

    @property
    def caller(self) -> int:
        """The seat to call, while the auction is not over."""
        return next_seat(self.dealer, 1 + len(self.calls))

    @property
    def is_over(self) -> bool:
        """Whether every seat has called."""
        return len(self.calls) == len(SEATS)

    @property
    def is_forced(self) -> bool:
        """Whether the seat to call is a dealer who may not pass."""
        return len(self.calls) == 3 and self.highest is None and self.all_pass is AllPass.FORCED

    @property
    def highest(self) -> Bid | None:
        """The highest bid so far; None when there is none."""
        return max((bid for bid in self.calls if bid is not None), default=None)

    @property
    def declarer(self) -> int | None:
        """The seat of the highest bid; None when there is none."""
        highest = self.highest
        return None if highest is None else next_seat(self.dealer, 1 + self.calls.index(highest))

    def legal_bids(self) -> tuple[Bid, ...]:
        """The bids that the seat to call may make, the lowest first; passing is legal, too, unless `is_forced`."""
        highest = self.highest
        return () if self.is_over else tuple(bid for bid in BIDS if highest is None or bid > highest)

    def call(self, bid: Bid | None) -> "Auction":
        """The auction after the next call (None = pass). InputError for one that is not legal."""
        legal = self.legal_bids()
        if self.is_over or (bid not in legal and (bid is not None or self.is_forced)):
            raise InputError.of(
                got=f"the call {'pass' if bid is None else bid} after {self.names() or 'no call'}",
                expected="no further call" if self.is_over else f"a bid from {legal[0]} on" if legal else "pass",
                remedy="every bid is higher than those before it, and a forced dealer may not pass",
            )
        return replace(self, calls=(*self.calls, bid))

    def names(self) -> str:
        """ "30,pass": the calls as `parse_bid` reads them."""
        return ",".join("pass" if bid is None else str(bid) for bid in self.calls)


def marks_won(bid: Bid, points: int) -> tuple[int, int]:
    """The marks of (bidding team, other team) for a contract in which the bidding team won so many points."""
    return (bid.marks, 0) if bid.is_made(points) else (0, bid.marks)
