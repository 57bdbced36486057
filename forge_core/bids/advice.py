"""From chances to calls: what a contract is worth in marks or in games, and what to bid.

A bid is worth what its contract pays: its marks with the chance to make it, less its marks with the chance to be set.
Passing has to be worth something, too, and no histogram says what: the others then play a contract of one mark, and
their chance to make it, `others_make`, is an assumption that every caller states.
"""

from dataclasses import dataclass
from functools import cache

from forge_core.bids.histogram import Chance
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.bids.open_hands import Bidders
from forge_core.errors import InputError
from forge_core.rules import GAME_MARKS, Auction, Bid, partner


@cache
def game_chance(us: int, them: int) -> float:
    """The chance to win the game at this score, if every hand to come is one mark to either side with equal chances."""
    if us >= GAME_MARKS or them >= GAME_MARKS:
        return float(us >= GAME_MARKS)
    return (game_chance(us + 1, them) + game_chance(us, them + 1)) / 2


@dataclass(frozen=True, slots=True)
class Stakes:
    """What contracts are worth to the team that bids.

    score        (own marks, the others' marks) of the game; None: marks are counted, not games
    others_make  the assumed chance that a contract is made that somebody else declares if this seat passes
    """

    score: tuple[int, int] | None = None
    others_make: float = 0.5

    def __post_init__(self) -> None:
        if self.score is not None and not all(0 <= marks < GAME_MARKS for marks in self.score):
            raise InputError.of(
                got=f"the score {self.score[0]}-{self.score[1]}",
                expected=f"two numbers of marks from 0 to {GAME_MARKS - 1}: the game is still going on",
                remedy='write own marks first, as in "3-5"',
            )
        if not 0 <= self.others_make <= 1:
            raise InputError.of(
                got=f"a chance of {self.others_make}", expected="a number from 0 to 1", remedy="correct others-make"
            )

    def contract(self, marks: int, p: float) -> float:
        """A contract for so many marks that the own team wins with chance p: expected marks, or chance of the game."""
        if self.score is None:
            return marks * (2 * p - 1)
        us, them = self.score
        return p * game_chance(us + marks, them) + (1 - p) * game_chance(us, them + marks)

    def passing(self, *, partner_declares: bool) -> float:
        """What passing is worth, in the same measure, under the assumption about the others."""
        return self.contract(1, self.others_make if partner_declares else 1 - self.others_make)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bid with its best declaration, the chance to make it, and what it is worth (see `Stakes`)."""

    bid: Bid
    declaration: int
    chance: Chance
    value: float


@dataclass(frozen=True, slots=True)
class BidAdvice:
    """What to call.

    method      where the chances come from
    candidates  every bid that is legal now, the lowest first
    passing     what passing is worth, by assumption
    call        the candidate to bid: the most valuable one, the lowest among equals; None = pass
    highest     the highest bid that is worth more than passing; None where none is
    forced      whether passing is not allowed
    at_30       what a forced dealer does, or would do: the best declaration at 30
    bidders     what others' bids are taken to say about their hands; None = nothing
    """

    method: Method
    candidates: tuple[Candidate, ...]
    passing: float
    call: Candidate | None
    highest: Candidate | None
    forced: bool
    at_30: Candidate
    bidders: Bidders | None


def candidate(matrix: BidMatrix, method: Method, bid: Bid, stakes: Stakes) -> Candidate:
    """A bid with the declaration that makes it most often."""
    declaration = matrix.best(method, bid)
    chance = matrix.chance(method, declaration, bid)
    return Candidate(bid, declaration, chance, stakes.contract(bid.marks, chance.p))


def advise_call(matrix: BidMatrix, auction: Auction, stakes: Stakes) -> BidAdvice:
    """What the seat to call should call with the hand of the matrix. InputError when the auction is over."""
    if auction.is_over:
        raise InputError.of(
            got=f"the calls {auction.names()}",
            expected="at most three: the fourth is asked for",
            remedy="leave one out",
        )
    method = matrix.price
    candidates = tuple(candidate(matrix, method, bid, stakes) for bid in auction.legal_bids())
    passing = stakes.passing(partner_declares=auction.declarer == partner(auction.caller))
    worth = [each for each in candidates if each.value > passing]
    pool = worth or (list(candidates) if auction.is_forced else [])
    return BidAdvice(
        method=method,
        candidates=candidates,
        passing=passing,
        call=max(pool, key=lambda each: each.value, default=None),  # max takes the first, lowest, of equals
        highest=worth[-1] if worth else None,
        forced=auction.is_forced,
        at_30=candidate(matrix, method, Bid(30), stakes),
        bidders=matrix.bidders,
    )
