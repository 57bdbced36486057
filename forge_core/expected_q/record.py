"""The public record of a deal: what every seat has seen, and what follows from it by the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.errors import InputError, RecordError
from forge_core.rules import DOMINOES, HAND_POINTS, SEATS, domino_name, next_seat, team, trick_points, trick_winner
from forge_core.rules.declaration import CALLED_SUIT, Declaration
from forge_core.rules.tables import FOLLOWERS, FOLLOWS, LED_SUIT, SUITS

N_PLAYS = 28


@dataclass(frozen=True, slots=True)
class Record:
    """The plays so far, in order, and their public consequences; immutable, `then` returns the next one.

    declaration    0-9
    first_leader   the seat that declared and led the first trick
    plays          the dominoes played, in order
    seats          who played each of them
    leader         the seat that led, or is to lead, the present trick
    voids          per seat an 8-bit mask of the suits that it did not follow
    won            points won so far by (team 0, team 1)
    """

    declaration: int
    first_leader: int = 0
    plays: tuple[int, ...] = ()
    seats: tuple[int, ...] = ()
    leader: int = 0
    voids: tuple[int, int, int, int] = (0, 0, 0, 0)
    won: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, declaration: int, first_leader: int, plays: Sequence[int]) -> "Record":
        """The record of these plays. RecordError, naming the play, if the public record alone refutes one.

        InputError for a declaration, a seat or a domino that does not exist.
        """
        if declaration not in set(Declaration) or first_leader not in SEATS or not all(d in DOMINOES for d in plays):
            raise InputError.of(
                got=f"declaration {declaration}, first leader {first_leader}, plays {list(plays)}",
                expected="a declaration 0-9, a seat 0-3 and dominoes 0-27",
                remedy="correct what is out of range",
            )
        record = cls(int(declaration), first_leader, leader=first_leader)
        for domino in plays:
            record = record.then(domino)
        return record

    @property
    def mover(self) -> int:
        """The seat to play."""
        return next_seat(self.leader, len(self.plays) % 4)

    @property
    def table(self) -> tuple[int, ...]:
        """The dominoes of the present trick in the order of play (0-3)."""
        return self.plays[len(self.plays) // 4 * 4 :]

    @property
    def points_left(self) -> int:
        """The points still to be won, those on the table included."""
        return HAND_POINTS - sum(self.won)

    def led_suit(self) -> int | None:
        """The suit (0-7) asked for in the present trick; None before its first play."""
        return self.led_suit_at(len(self.plays))

    def led_suit_at(self, n_plays: int) -> int | None:
        """The suit (0-7) that play number `n_plays` (counted from 0) had to follow; None where it led."""
        return LED_SUIT[self.declaration][self.plays[n_plays // 4 * 4]] if n_plays % 4 else None

    def barred(self, seat: int) -> int:
        """28-bit mask of the dominoes that a seat cannot hold because it did not follow their suit."""
        mask = 0
        for suit in SUITS:
            if self.voids[seat] >> suit & 1:
                mask |= FOLLOWERS[self.declaration][suit]
        return mask

    def prefix(self, n_plays: int) -> "Record":
        """The record as it was before play number `n_plays` (counted from 0)."""
        return Record.of(self.declaration, self.first_leader, self.plays[:n_plays])

    def play_name(self, index: int) -> str:
        """ "play 3, 6-4 by seat 2": how messages name a play; `index` counts from 0, the message from 1."""
        return f"play {index + 1}, {domino_name(self.plays[index])} by seat {self.seats[index]}"

    def then(self, domino: int) -> "Record":
        """The record after the mover plays `domino`.

        RecordError, naming the play, for a domino played before or of a suit that the seat had not followed.
        """
        seat = self.mover
        self._check(seat, domino)
        table = (*self.table, domino)
        voids, leader, won = self.voids, self.leader, self.won
        suit = LED_SUIT[self.declaration][table[0]]
        if not FOLLOWS[self.declaration][suit][domino]:
            a, b, c, d = (mask | (other == seat) << suit for other, mask in enumerate(voids))
            voids = (a, b, c, d)
        if len(table) == 4:
            leader = next_seat(leader, trick_winner(table, self.declaration))
            side, points = team(leader), trick_points(table)
            won = (won[0] + points * (side == 0), won[1] + points * (side == 1))
        plays, seats = (*self.plays, domino), (*self.seats, seat)
        return Record(self.declaration, self.first_leader, plays, seats, leader, voids, won)

    def _check(self, seat: int, domino: int) -> None:
        if len(self.plays) == N_PLAYS:
            raise InputError.of(got="a 29th play", expected="28 plays a deal", remedy="end the record there")
        here = f"play {len(self.plays) + 1}, {domino_name(domino)} by seat {seat}"
        if domino in self.plays:
            before = self.play_name(self.plays.index(domino))
            raise RecordError.of(
                got=f"{here}, already there as {before}", expected="every domino once", remedy="correct the plays"
            )
        for suit in SUITS:
            if self.voids[seat] >> suit & FOLLOWS[self.declaration][suit][domino]:
                raise RecordError.of(
                    got=f"{here}, which follows {suit_name(suit)}",
                    expected=f"none of {suit_name(suit)}, because seat {seat} did not follow that suit before",
                    remedy="correct this play or the earlier one",
                )


def suit_name(suit: int) -> str:
    """ "the called suit" or "sixes" for a pip."""
    return "the called suit" if suit == CALLED_SUIT else Declaration(suit).name.lower()
