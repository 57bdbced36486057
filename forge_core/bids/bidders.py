"""Bidders: what a seat calls in the auctions of whole games (see `forge_core.arena.games.Bidder`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from forge_core.bids.advice import Stakes, advise_call
from forge_core.bids.histogram import mean_points
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.bids.open_hands import open_histograms
from forge_core.bids.playouts import play_histograms
from forge_core.bids.settings import BIDDER_FORMS, BidSettings
from forge_core.errors import InputError
from forge_core.players.decisions import AnyPlayer
from forge_core.players.registry import make_player
from forge_core.players.trumps import best_pip
from forge_core.rules import BIDS, Auction, Bid


@dataclass(frozen=True, slots=True)
class Passing:
    """Never bids unless forced: so the dealers get the contract at 30, each seat in turn."""

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """See `forge_core.arena.games.Bidder`."""
        return _otherwise(auction)


@dataclass(frozen=True, slots=True)
class FixedBidder:
    """Bids the same whatever it holds, where nobody has bid as much."""

    amount: Bid

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """See `forge_core.arena.games.Bidder`."""
        return self.amount if self.amount in auction.legal_bids() else _otherwise(auction)


@dataclass(frozen=True, slots=True)
class PointsBidder:
    """Bids the lowest legal bid up to the points it wins on average with all hands open, best-pip trump.

    samples   worlds of a hand
    """

    samples: int = 100

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """See `forge_core.arena.games.Bidder`."""
        mean = mean_points(open_histograms(hand, [best_pip(list(hand))], self.samples)[0])
        worth = [bid for bid in auction.legal_bids() if bid.marks == 1 and bid.points <= mean]
        return worth[0] if worth else _otherwise(auction)


@dataclass(frozen=True, slots=True)
class ExpectedBidder:
    """Calls what is worth most at the score, by playouts of its hand under its best-pip trump.

    A hand that with all hands open makes 30 in less than half of the worlds is passed without playouts: they are the
    lower of the two.

    player     plays all seats of a playout
    settings   how many worlds and playouts
    """

    player: AnyPlayer
    settings: BidSettings

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """See `forge_core.arena.games.Bidder`."""
        trumps, s = best_pip(list(hand)), self.settings
        if not auction.legal_bids() or sum(open_histograms(hand, [trumps], s.samples)[0][30:]) < s.samples / 2:
            return _otherwise(auction)
        counts = {Method.PLAY: play_histograms(hand, [trumps], s, self.player)}
        matrix = BidMatrix(hand, (trumps,), counts, s, 0)
        call = advise_call(matrix, auction, Stakes(score)).call
        return None if call is None else call.bid


def _otherwise(auction: Auction) -> Bid | None:
    """What a seat says that does not want to bid: pass, or 30 where it may not."""
    return auction.legal_bids()[0] if auction.is_forced else None


def make_bidder(
    text: str, player: Callable[[str], AnyPlayer] = make_player
) -> Passing | FixedBidder | PointsBidder | ExpectedBidder:
    """The bidder of a text. InputError for one that does not exist; `player` makes players of texts."""
    word = text.strip()
    if match := re.fullmatch(r"fixed:([0-9]{1,2})", word):
        found = [bid for bid in BIDS if str(bid) == match[1]]
        if found:
            return FixedBidder(found[0])
    if word == "pass":
        return Passing()
    if word == "points":
        return PointsBidder()
    if word == "expected":
        settings = BidSettings(samples=100, playouts=30)
        return ExpectedBidder(player(settings.seat_model), settings)
    raise InputError.of(
        got=f"the bidder {text!r}", expected="one of " + ", ".join(BIDDER_FORMS), remedy="choose one; fixed takes 30-42"
    )
