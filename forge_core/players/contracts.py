"""Many contracts played out in lockstep: at every ply each side is asked once about all its contracts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Int8, Int16, Int64, UInt8

from forge_core.errors import InputError, ModelError
from forge_core.expected_q.record import N_PLAYS
from forge_core.players.decisions import AnyPlayer, Decisions, Player
from forge_core.players.streams import Purpose, stream_keys
from forge_core.rules import HAND_POINTS, domino_name
from forge_core.solver.jit import kernel
from forge_core.solver.rules_kernel import COUNT_POINTS, FOLLOWERS, LED_SUITS, RANKS, winning


@dataclass(frozen=True, slots=True)
class Contracts:
    """n contracts to be played.

    deals          the dealt ids: seat 0's seven slots, then seat 1's, 2's, 3's, each sorted
    declarations   0-9
    bidders        the seat that declared and leads the first trick
    bids           points that its team needs, 30-42
    seeds          of the random streams of the decisions
    """

    deals: UInt8[np.ndarray, "n 28"]
    declarations: UInt8[np.ndarray, "n"]
    bidders: UInt8[np.ndarray, "n"]
    bids: UInt8[np.ndarray, "n"]
    seeds: Int64[np.ndarray, "n"]

    def __post_init__(self) -> None:
        if len(self) and not (self.bids.min() >= 1 and self.bids.max() <= HAND_POINTS):
            raise InputError.of(
                got=f"bids of {self.bids.min()} to {self.bids.max()} points",
                expected=f"bids of at most {HAND_POINTS} points",
                remedy="give the points that the bidding team needs: 42 for one mark and for two",
            )

    def __len__(self) -> int:
        return len(self.seeds)


@dataclass(slots=True)
class Played:
    """How n contracts went.

    plays      the dominoes in the order of play, -1 after the end
    players    who played each of them
    points     points banked by (team 0, team 1) when play ended
    made       whether the bidding team made its bid
    forfeits   contract -> why its side could not go on
    seconds    spent in the decisions of (the bidding side, the other)
    decisions  how many those were
    """

    plays: Int8[np.ndarray, "n 28"]
    players: Int8[np.ndarray, "n 28"]
    points: Int16[np.ndarray, "n 2"]
    made: Bool[np.ndarray, "n"]
    forfeits: dict[int, str] = field(default_factory=dict[int, str])
    seconds: tuple[float, float] = (0.0, 0.0)
    decisions: tuple[int, int] = (0, 0)


def play_out(
    contracts: Contracts,
    bidding: AnyPlayer,
    defending: AnyPlayer,
    *,
    to_the_end: bool = False,
    on_ply: Callable[[int], None] | None = None,
) -> Played:
    """Play contracts, one player holding both seats of the bidding team and one both of the other.

    A contract ends as soon as it is decided, unless `to_the_end`, which is for those who want the final points. A side
    that forfeits loses the contract. `on_ply` is told after every ply how many contracts go on.
    ModelError for a domino that may not be played.
    """
    table = Table.of(contracts)
    seconds, asked = [0.0, 0.0], [0, 0]
    for ply in range(N_PLAYS):
        running = np.flatnonzero(table.running)
        if not len(running):
            break
        mover = (table.leaders[running] + ply % 4) & 3
        is_bidding = (mover ^ contracts.bidders[running]) & 1 == 0
        for side, player in enumerate((bidding, defending)):
            rows = running[is_bidding == (side == 0)]
            if not len(rows):
                continue
            decisions = table.decisions(rows, ply)
            start = time.perf_counter()
            if isinstance(player, Player):
                dominoes = player.play(decisions)
            else:
                dominoes = player.play_open(decisions, contracts.deals[rows])
            seconds[side] += time.perf_counter() - start
            asked[side] += len(rows)
            table.put(rows, ply, dominoes, decisions, player.name)
        if not to_the_end:
            table.end_decided(running)
        if on_ply is not None:
            on_ply(int(table.running.sum()))
    return table.result((seconds[0], seconds[1]), (asked[0], asked[1]))


@dataclass(slots=True)
class Table:
    """The contracts as they stand: arrays that `put` changes in place."""

    contracts: Contracts
    held: Int64[np.ndarray, "n 4"]
    plays: Int8[np.ndarray, "n 28"]
    players: Int8[np.ndarray, "n 28"]
    leaders: UInt8[np.ndarray, "n"]
    voids: UInt8[np.ndarray, "n 4"]
    won: Int16[np.ndarray, "n 2"]
    running: Bool[np.ndarray, "n"]
    forfeits: dict[int, tuple[int, str]]

    @classmethod
    def of(cls, contracts: Contracts) -> "Table":
        """The contracts before the first play."""
        n = len(contracts)
        held = (np.int64(1) << contracts.deals.astype(np.int64)).reshape(n, 4, 7).sum(axis=2)
        none = np.full((n, N_PLAYS), -1, np.int8)
        leaders = contracts.bidders.astype(np.uint8)
        won, running = np.zeros((n, 2), np.int16), np.ones(n, np.bool_)
        return cls(contracts, held, none, none.copy(), leaders.copy(), np.zeros((n, 4), np.uint8), won, running, {})

    @classmethod
    def at(cls, contracts: Contracts, decisions: Decisions) -> "Table":
        """The contracts as they stand before these decisions, one each, of which `contracts` knows the deals."""
        table, rows, d = cls.of(contracts), np.arange(len(contracts)), decisions
        table.plays[:, : d.ply], table.players[:, : d.ply] = d.plays, d.players
        for ply in range(d.ply):
            table.held[rows, d.players[:, ply]] &= ~(np.int64(1) << d.plays[:, ply].astype(np.int64))
        table.leaders[:], table.voids[:], table.won[:] = d.leaders, d.voids, d.won
        return table

    def decisions(self, rows: Int64[np.ndarray, "k"], ply: int) -> Decisions:
        """What the movers of these contracts know."""
        c, leaders = self.contracts, self.leaders[rows]
        seats = (leaders + ply % 4) & 3
        return Decisions(
            declarations=c.declarations[rows],
            bids=c.bids[rows],
            bidders=c.bidders[rows],
            seats=seats,
            hands=self.held[rows, seats],
            plays=self.plays[rows, :ply],
            players=self.players[rows, :ply],
            leaders=leaders,
            voids=self.voids[rows],
            won=self.won[rows],
            keys=stream_keys(c.seeds[rows], int(Purpose.CHOICE), seats, ply),
        )

    def put(
        self, rows: Int64[np.ndarray, "k"], ply: int, dominoes: Int8[np.ndarray, "k"], asked: Decisions, name: str
    ) -> None:
        """Make the plays, where none was forfeited; `asked` are the decisions that they answer."""
        for row, why in asked.forfeits.items():
            self.forfeits[int(rows[row])] = (int(asked.seats[row]) & 1, why)
            self.running[rows[row]] = False
        sound = np.ones(len(rows), np.bool_)
        sound[list(asked.forfeits)] = False
        wrong = sound & ((dominoes < 0) | (asked.legal() >> np.maximum(dominoes, 0).astype(np.int64) & 1 == 0))
        if wrong.any():
            first = int(wrong.argmax())
            raise ModelError.of(
                got=f"{int(dominoes[first])} from the player {name} at play {ply + 1} of seed "
                f"{self.contracts.seeds[rows[first]]}",
                expected="one of " + ", ".join(domino_name(d) for d in range(28) if asked.legal()[first] >> d & 1),
                remedy="correct the player: it must return legal dominoes",
            )
        c = self.contracts
        _put(rows[sound], ply, dominoes[sound], c.declarations, self.held, self.plays, self.players)
        _take(rows[sound], ply, c.declarations, self.plays, self.leaders, self.voids, self.won)

    def end_decided(self, rows: Int64[np.ndarray, "k"]) -> None:
        """End the contracts whose bid is made, or can no longer be."""
        side = self.contracts.bidders[rows] & 1
        bids = self.contracts.bids[rows]
        made, set_ = self.won[rows, side] >= bids, self.won[rows, 1 - side] > HAND_POINTS - bids.astype(np.int16)
        self.running[rows[made | set_]] = False

    def result(self, seconds: tuple[float, float], asked: tuple[int, int]) -> Played:
        """How they went; `seconds` and `asked` (decisions) are those of the bidding side and of the other."""
        side = self.contracts.bidders & 1
        made = self.won[np.arange(len(side)), side] >= self.contracts.bids
        for contract, (team, _) in self.forfeits.items():
            made[contract] = team != side[contract]
        why = {contract: text for contract, (_, text) in sorted(self.forfeits.items())}
        return Played(self.plays, self.players, self.won, made, why, seconds, asked)


@kernel
def _put(rows: Any, ply: int, dominoes: Any, declarations: Any, held: Any, plays: Any, players: Any) -> None:
    """Move the dominoes from the hands to the table; who plays is who holds them."""
    for i in range(len(rows)):
        row, domino = rows[i], np.int64(dominoes[i])
        plays[row, ply] = domino
        for seat in range(4):
            if held[row, seat] >> domino & 1:
                players[row, ply] = seat
                held[row, seat] ^= np.int64(1) << domino


@kernel
def _take(rows: Any, ply: int, declarations: Any, plays: Any, leaders: Any, voids: Any, won: Any) -> None:
    """What the last play of each row says: a void, and after the fourth of a trick its winner and points."""
    first = ply - ply % 4
    for row in rows:
        declaration = declarations[row]
        suit = LED_SUITS[declaration, plays[row, first]]
        seat = (leaders[row] + ply % 4) & 3
        if not FOLLOWERS[declaration, suit] >> np.int64(plays[row, ply]) & 1:
            voids[row, seat] |= 1 << suit
        if ply % 4 == 3:
            best, winner, points = np.int64(-1), np.int64(0), np.int64(1)
            for place in range(4):
                domino = plays[row, first + place]
                points += COUNT_POINTS[domino]
                best, winner = winning(best, winner, RANKS[declaration, suit, domino], place)
            leaders[row] = (leaders[row] + winner) & 3
            won[row, leaders[row] & 1] += points
