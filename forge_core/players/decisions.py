"""What the movers of many contracts know, as arrays, and the protocol of whoever plays for them.

Nothing here holds a hidden hand: a player that is given `Decisions` cannot look.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int16, Int64, UInt8, UInt64

from forge_core.errors import InputError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.rules import HAND_POINTS, Declaration
from forge_core.solver.rules_kernel import FOLLOWERS, LED_SUITS


@dataclass(frozen=True, slots=True)
class Decisions:
    """n information sets at the same ply p (plays made so far), each with the bid and a key for its random draws.

    declarations   0-9
    bids           points that the bidding team needs, 30-42
    bidders        the seat that declared and led the first trick
    seats          the mover, whose knowledge this is
    hands          28-bit mask of the dominoes the mover holds now
    plays          the dominoes played so far, in order
    players        who played each of them
    leaders        the seat that led, or is to lead, the present trick
    voids          per seat an 8-bit mask of the suits that it did not follow
    won            points banked by (team 0, team 1)
    keys           of the decision's random numbers (see `streams`)
    forfeits       row -> why the player cannot answer there; filled in by a player that fails
    """

    declarations: UInt8[np.ndarray, "n"]
    bids: UInt8[np.ndarray, "n"]
    bidders: UInt8[np.ndarray, "n"]
    seats: UInt8[np.ndarray, "n"]
    hands: Int64[np.ndarray, "n"]
    plays: Int8[np.ndarray, "n p"]
    players: Int8[np.ndarray, "n p"]
    leaders: UInt8[np.ndarray, "n"]
    voids: UInt8[np.ndarray, "n 4"]
    won: Int16[np.ndarray, "n 2"]
    keys: UInt64[np.ndarray, "n"]
    forfeits: MutableMapping[int, str] = field(default_factory=dict[int, str])

    def __len__(self) -> int:
        return len(self.seats)

    @property
    def ply(self) -> int:
        """Plays made so far: 0-27."""
        return self.plays.shape[1]

    def legal(self) -> Int64[np.ndarray, "n"]:
        """28-bit masks of what the movers may play."""
        n_table = self.ply % 4
        if n_table == 0:
            return self.hands
        led = self.plays[:, self.ply - n_table]
        following = self.hands & FOLLOWERS[self.declarations, LED_SUITS[self.declarations, led]]
        return np.where(following != 0, following, self.hands)

    def bidding(self) -> Bool[np.ndarray, "n"]:
        """Whether the mover's team bid."""
        return (self.seats ^ self.bidders) & 1 == 0

    def points_left(self) -> Int16[np.ndarray, "n"]:
        """The points still to be won, those on the table included."""
        return (42 - self.won.sum(axis=1)).astype(np.int16)

    def needed(self) -> Int16[np.ndarray, "n"]:
        """The points that the bidding team still needs."""
        rows = np.arange(len(self))
        return self.bids.astype(np.int16) - self.won[rows, self.bidders & 1]

    def original_hands(self) -> UInt8[np.ndarray, "n 7"]:
        """The movers' seven dealt dominoes, ascending: their slots."""
        masks = self.hands.copy()
        for ply in range(self.ply):
            masks |= np.where(self.players[:, ply] == self.seats, np.int64(1) << self.plays[:, ply].astype(np.int64), 0)
        return np.nonzero(masks[:, None] >> np.arange(28) & 1)[1].reshape(-1, 7).astype(np.uint8)

    def free(self) -> Int64[np.ndarray, "k"]:
        """The rows in which there is more than one legal play."""
        legal = self.legal()
        return np.flatnonzero(legal & (legal - 1))

    def only(self) -> Int8[np.ndarray, "n"]:
        """The lowest legal domino: in the other rows the only one."""
        legal = self.legal()
        return np.log2(np.maximum(legal & -legal, 1)).astype(np.int8)

    def of(self, rows: Int64[np.ndarray, "k"]) -> "Decisions":
        """Some of them."""
        d = self
        return Decisions(
            d.declarations[rows],
            d.bids[rows],
            d.bidders[rows],
            d.seats[rows],
            d.hands[rows],
            d.plays[rows],
            d.players[rows],
            d.leaders[rows],
            d.voids[rows],
            d.won[rows],
            d.keys[rows],
        )

    def information_set(self, row: int) -> InformationSet:
        """One of them as an object."""
        record = Record.of(int(self.declarations[row]), int(self.bidders[row]), self.plays[row].tolist())
        hand = int(self.hands[row])
        return InformationSet(record, int(self.seats[row]), tuple(d for d in range(28) if hand >> d & 1))


def opening_decisions(
    hands: UInt8[np.ndarray, "n 7"], bids: UInt8[np.ndarray, "n"], keys: UInt64[np.ndarray, "n"], declaration: int
) -> Decisions:
    """Seat 0 with these hands about to lead the first trick of a contract of its own."""
    n = len(hands)
    zeros, none = np.zeros(n, np.uint8), np.zeros((n, 0), np.int8)
    masks = (np.int64(1) << hands.astype(np.int64)).sum(axis=1)
    declared, voids, won = zeros + np.uint8(declaration), np.zeros((n, 4), np.uint8), np.zeros((n, 2), np.int16)
    return Decisions(declared, bids, zeros, zeros, masks, none, none, zeros, voids, won, keys)


def best_declarations(
    hands: UInt8[np.ndarray, "n 7"],
    bids: UInt8[np.ndarray, "n"],
    keys: UInt64[np.ndarray, "n"],
    chances: Callable[[Decisions], Float64[np.ndarray, "n 7"]],
) -> UInt8[np.ndarray, "n"]:
    """The declarations 0-9 under which seat 0's best lead makes its bid most often; the lowest of equals.

    Args:
        hands: seat 0's dominoes, ascending.
        bids: points that it needs, 30-42.
        keys: of the decisions' random numbers.
        chances: the chance that each lead, by slot, makes the bid.
    """
    openings = (opening_decisions(hands, bids, keys, declaration) for declaration in Declaration)
    return np.array([chances(opening).max(axis=1) for opening in openings]).argmax(axis=0).astype(np.uint8)


def decisions_of(infos: Sequence[InformationSet], bid: int, *, key: int = 0) -> Decisions:
    """Information sets after equally many plays as `Decisions`.

    Args:
        infos: what the seats know.
        bid: of the first leaders' teams, 30-42 points.
        key: of the random numbers of whoever decides.

    Raises:
        InputError: another bid.
    """
    if not 30 <= bid <= HAND_POINTS:
        raise InputError.of(got=f"a bid of {bid}", expected="30 to 42 points", remedy="give the points that are needed")
    n, records = len(infos), [info.record for info in infos]
    return Decisions(
        declarations=np.array([record.declaration for record in records], np.uint8),
        bids=np.full(n, bid, np.uint8),
        bidders=np.array([record.first_leader for record in records], np.uint8),
        seats=np.array([info.seat for info in infos], np.uint8),
        hands=np.array([sum(1 << domino for domino in info.hand) for info in infos], np.int64),
        plays=np.array([record.plays for record in records], np.int8).reshape(n, -1),
        players=np.array([record.seats for record in records], np.int8).reshape(n, -1),
        leaders=np.array([record.leader for record in records], np.uint8),
        voids=np.array([record.voids for record in records], np.uint8).reshape(n, 4),
        won=np.array([record.won for record in records], np.int16).reshape(n, 2),
        keys=np.full(n, key, np.uint64),
    )


@runtime_checkable
class Player(Protocol):
    """Chooses a domino from what one seat knows. The same decision gets the same answer, whatever is asked beside it.

    name     the text that makes it (see `registry`)
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """A legal domino for each decision; rows that it notes in `decisions.forfeits` are not looked at."""
        ...


@runtime_checkable
class OpenPlayer(Protocol):
    """A player that is shown all four hands: a bound for those that are not."""

    @property
    def name(self) -> str:
        """The text that makes it."""
        ...

    def play_open(self, decisions: Decisions, deals: UInt8[np.ndarray, "n 28"]) -> Int8[np.ndarray, "n"]:
        """As `Player.play`, with the deals."""
        ...


AnyPlayer = Player | OpenPlayer
