"""Whole games to seven marks, mirrored: each run of deals is played twice, with the sides changed."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from forge_core.arena.declare import declarations
from forge_core.arena.run import OnBlock
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.arena.statistics import bootstrap_mean
from forge_core.intervals import Interval, wilson
from forge_core.players.contracts import Contracts, play_out
from forge_core.players.decisions import AnyPlayer
from forge_core.players.registry import Means, make_player
from forge_core.players.streams import Purpose, stream_keys
from forge_core.rules import deal_from_seed, team
from forge_core.rules.auction import GAME_MARKS, Auction, Bid

MOST_DEALS = 2 * GAME_MARKS - 1
"""Deals after which a game of one mark a deal is over."""


class Bidder(Protocol):
    """Bids for one seat."""

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """A legal call: a bid above those of the auction so far, or None to pass where that is allowed.

        Args:
            hand: the seven dominoes of the seat.
            auction: the calls before it.
            score: marks of (the seat's team, the other).
        """
        ...


@dataclass(frozen=True, slots=True)
class Passing:
    """Never bids unless forced: so the dealers get the contract at 30, each seat in turn."""

    def bid(self, hand: tuple[int, ...], auction: Auction, score: tuple[int, int]) -> Bid | None:
        """See `Bidder.bid`."""
        return auction.legal_bids()[0] if auction.is_forced else None


@dataclass(frozen=True, slots=True)
class GamesResult:
    """Mirrored games.

    games       played: two a seed
    won_by_a    of them; its interval is a bootstrap over seeds
    both        seeds of which A won both games; neither, of which B did
    marks       marks a game that A wins of B
    """

    a: str
    b: str
    games: int
    won_by_a: int
    win_rate: float
    interval: Interval
    both: int
    neither: int
    marks: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def run_games(
    deals: Deals,
    settings: MatchSettings,
    means: Means,
    *,
    bidders: tuple[Bidder, Bidder] = (Passing(), Passing()),
    on_block: OnBlock | None = None,
) -> GamesResult:
    """Play two games for every seed, A holding team 0 in one and team 1 in the other, in lockstep.

    Args:
        deals: the seeds of the games; `count` games a seat.
        settings: who plays; the bid is the bidders' affair.
        means: what the players are made with.
        bidders: of A and of B.
        on_block: told how many seeds' games are over.
    """
    players = make_player(settings.a, means), make_player(settings.b, means)
    n = deals.count
    seeds = np.tile(np.arange(deals.start, deals.start + n, dtype=np.int64), 2)
    a_team = np.repeat([0, 1], n)
    marks = np.zeros((2 * n, 2), np.int64)
    for number in range(MOST_DEALS):
        going_on = np.flatnonzero(marks.max(axis=1) < GAME_MARKS)
        if not len(going_on):
            break
        _play_deal(number, going_on, seeds, a_team, marks, players, bidders, settings)
        if on_block is not None:
            over = int((marks[going_on].max(axis=1) >= GAME_MARKS).sum())
            on_block(over // 2)
    return _result(settings, n, a_team, marks)


def _play_deal(
    number: int,
    rows: np.ndarray,
    seeds: np.ndarray,
    a_team: np.ndarray,
    marks: np.ndarray,
    players: tuple[AnyPlayer, AnyPlayer],
    bidders: tuple[Bidder, Bidder],
    settings: MatchSettings,
) -> None:
    """Play the next deal of the games that go on, and count its marks."""
    deal_seeds = seeds[rows] * MOST_DEALS + number
    dealt = [deal_from_seed(int(seed)) for seed in deal_seeds]
    won = [
        hold_auction(deal.hands, number % 4, bidders, int(a_team[row]), (int(marks[row, 0]), int(marks[row, 1])))
        for deal, row in zip(dealt, rows, strict=True)
    ]
    seats = np.array([seat for seat, _ in won])
    by_a = seats % 2 == a_team[rows]
    for side in (0, 1):
        mine = np.flatnonzero(by_a == (side == 0))
        if not len(mine):
            continue
        hands = np.array([dealt[i].hands[seats[i]] for i in mine], np.uint8)
        bids = np.array([won[i][1].points for i in mine], np.uint8)
        keys = stream_keys(deal_seeds[mine], int(Purpose.DECLARATION), seats[mine], 0)
        declared = declarations(settings.declare, players[side], hands, bids, keys, deal_seeds[mine].tolist())
        contracts = Contracts(
            np.array([dealt[i].dominoes for i in mine], np.uint8),
            declared,
            seats[mine].astype(np.uint8),
            bids,
            deal_seeds[mine],
        )
        made = play_out(contracts, players[side], players[1 - side]).made
        for i, is_made in zip(mine, made, strict=True):
            bidding = team(int(seats[i]))
            marks[rows[i], bidding if is_made else 1 - bidding] += won[i][1].marks


def hold_auction(
    hands: tuple[tuple[int, ...], ...],
    dealer: int,
    bidders: tuple[Bidder, Bidder],
    a_team: int,
    marks: tuple[int, int],
) -> tuple[int, Bid]:
    """Who gets the contract for what; `bidders` are A's and B's, `marks` those of (team 0, team 1)."""
    auction = Auction(dealer)
    while not auction.is_over:
        side = team(auction.caller)
        bidder = bidders[0 if side == a_team else 1]
        auction = auction.call(bidder.bid(hands[auction.caller], auction, (marks[side], marks[1 - side])))
    assert auction.declarer is not None  # the dealer may not pass
    assert auction.highest is not None
    return auction.declarer, auction.highest


def _result(settings: MatchSettings, n: int, a_team: np.ndarray, marks: np.ndarray) -> GamesResult:
    rows = np.arange(2 * n)
    ahead = marks[rows, a_team] - marks[rows, 1 - a_team]
    won = (ahead > 0).reshape(2, n)
    both, neither = int(won.all(axis=0).sum()), int((~won).all(axis=0).sum())
    interval = bootstrap_mean(won.mean(axis=0)) if n > 1 else wilson(int(won.sum()), 2 * n)
    return GamesResult(
        a=settings.a,
        b=settings.b,
        games=2 * n,
        won_by_a=int(won.sum()),
        win_rate=float(won.mean()),
        interval=interval,
        both=both,
        neither=neither,
        marks=float(ahead.mean()),
    )
