"""Whole games to seven marks, mirrored: each run of deals is played twice, with the sides changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl

from forge_core.arena.declare import declarations
from forge_core.arena.match import SCHEMA, Block, Effort, frame_of
from forge_core.arena.settings import MatchSettings
from forge_core.arena.statistics import bootstrap_mean
from forge_core.intervals import Interval, wilson
from forge_core.players.contracts import Contracts, play_out
from forge_core.players.decisions import AnyPlayer
from forge_core.players.streams import Purpose, stream_keys
from forge_core.rules import deal_from_seed, team
from forge_core.rules.auction import GAME_MARKS, Auction, Bid

MOST_DEALS = 2 * GAME_MARKS - 1
"""Deals after which a game of one mark a deal is over."""

GAME_SCHEMA = {
    "game": pl.Int64,
    "a_team": pl.UInt8,
    "number": pl.UInt8,
    "seat": pl.UInt8,
    "marks": pl.UInt8,
    **SCHEMA,
}
"""A contract of a whole game: the seed of the game, the team that A holds in it, how many deals went before, the seat
that declared, and the marks at stake; then as in `SCHEMA`, the seed being that of the deal."""


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


def deal_seed(game: int, number: int) -> int:
    """The seed of a game's deal."""
    return game * MOST_DEALS + number


def play_games(
    seeds: range, settings: MatchSettings, a: AnyPlayer, b: AnyPlayer, bidders: tuple[Bidder, Bidder]
) -> Block:
    """Play two games for every seed, A holding team 0 in one and team 1 in the other, in lockstep.

    Args:
        seeds: of the games.
        settings: who calls which trumps; the bid is the bidders' affair.
        a: one player.
        b: the other.
        bidders: of A and of B.

    Returns:
        Rows of `GAME_SCHEMA`.
    """
    games = np.repeat(np.array(seeds, np.int64), 2)
    a_team = np.tile([0, 1], len(seeds))
    marks = np.zeros((len(games), 2), np.int64)
    effort = [Effort(0.0, 0), Effort(0.0, 0)]
    frames: list[pl.DataFrame] = []
    for number in range(MOST_DEALS):
        going_on = np.flatnonzero(marks.max(axis=1) < GAME_MARKS)
        dealt = {row: deal_from_seed(deal_seed(int(games[row]), number)) for row in going_on}
        won = {
            row: hold_auction(dealt[row].hands, number % 4, bidders, int(a_team[row]), (marks[row, 0], marks[row, 1]))
            for row in going_on
        }
        for side, (bidding, defending) in enumerate(((a, b), (b, a))):
            rows = np.array([row for row in going_on if (won[row][0] % 2 == a_team[row]) == (side == 0)], np.int64)
            if not len(rows):
                continue
            seats = np.array([won[row][0] for row in rows], np.uint8)
            bids = np.array([won[row][1].points for row in rows], np.uint8)
            deal_seeds = np.array([deal_seed(int(games[row]), number) for row in rows], np.int64)
            deals = np.array([dealt[row].dominoes for row in rows], np.uint8)
            hands = deals.reshape(-1, 4, 7)[np.arange(len(rows)), seats]
            keys = stream_keys(deal_seeds, int(Purpose.DECLARATION), seats.astype(np.int64), 0)
            declared = declarations(settings.declare, bidding, hands, bids, keys, deal_seeds.tolist())
            contracts = Contracts(deals, declared, seats, bids, deal_seeds)
            played = play_out(contracts, bidding, defending)
            for i, which in enumerate((side, 1 - side)):
                effort[which] = effort[which].plus(Effort(played.seconds[i], played.decisions[i]))
            stake = np.array([won[row][1].marks for row in rows], np.uint8)
            marks[rows, np.where(played.made, seats % 2, 1 - seats % 2)] += stake
            columns = {"game": games[rows], "a_team": a_team[rows], "number": number, "seat": seats, "marks": stake}
            frame = frame_of(contracts, played, "ab"[side]).with_columns(**{k: pl.lit(v) for k, v in columns.items()})
            frames.append(frame.select(pl.col(name).cast(kind) for name, kind in GAME_SCHEMA.items()))
    return Block(seeds, pl.concat(frames).sort("game", "a_team", "number"), (effort[0], effort[1]))


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


def games_result(blocks: Sequence[Block], settings: MatchSettings) -> GamesResult:
    """The result of the games played so far."""
    won = pl.when((pl.col("declarer") == "a") == pl.col("made")).then(1).otherwise(-1) * pl.col("marks").cast(pl.Int64)
    games = pl.concat([block.contracts for block in blocks]).group_by("game", "a_team").agg(ahead=won.sum())
    ahead = games.sort("game", "a_team")["ahead"].to_numpy().reshape(-1, 2)
    is_won, n = ahead > 0, len(ahead)
    total = int(is_won.sum())
    return GamesResult(
        a=settings.a,
        b=settings.b,
        games=2 * n,
        won_by_a=total,
        win_rate=float(is_won.mean()),
        interval=bootstrap_mean(is_won.mean(axis=1)) if n > 1 else wilson(total, 2 * n),
        both=int(is_won.all(axis=1).sum()),
        neither=int((~is_won).all(axis=1).sum()),
        marks=float(ahead.mean()),
    )
