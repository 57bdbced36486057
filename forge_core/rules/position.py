"""A position of an open deal: who holds what, what lies on the table, who has won what."""

from dataclasses import dataclass, replace

from forge_core.errors import InputError
from forge_core.rules.deal import Deal
from forge_core.rules.declaration import follows, led_suit
from forge_core.rules.domino import count_points
from forge_core.rules.seat import SEATS, next_seat, team
from forge_core.rules.trick import trick_points, trick_winner

ALL_SLOTS = 0b1111111


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; immutable, `play` returns the next one.

    held     per seat a 7-bit mask of the slots of its original hand that it still holds
    leader   the seat that led, or is to lead, the present trick
    trick    the slots played in it so far, in the order of play (0-3 of them)
    won      points won so far by (team 0, team 1)
    """

    deal: Deal
    declaration: int
    held: tuple[int, int, int, int] = (ALL_SLOTS, ALL_SLOTS, ALL_SLOTS, ALL_SLOTS)
    leader: int = 0
    trick: tuple[int, ...] = ()
    won: tuple[int, int] = (0, 0)

    @property
    def mover(self) -> int:
        """The seat to play."""
        return next_seat(self.leader, len(self.trick))

    @property
    def plays_left(self) -> int:
        """28 before the first play, 0 at the end."""
        return sum(mask.bit_count() for mask in self.held)

    @property
    def points_left(self) -> int:
        """The points still to be won, those on the table included; follows from what is held, not from `won`."""
        held = [self.domino(seat, slot) for seat in SEATS for slot in range(7) if self.held[seat] >> slot & 1]
        tricks = (len(held) + len(self.trick)) // 4
        return tricks + sum(count_points(domino) for domino in (*held, *self.table()))

    def domino(self, seat: int, slot: int) -> int:
        """The domino in a slot of a seat's original hand."""
        return self.deal.hands[seat][slot]

    def table(self) -> tuple[int, ...]:
        """The dominoes of the present trick in the order of play."""
        return tuple(self.domino(next_seat(self.leader, i), slot) for i, slot in enumerate(self.trick))

    def legal_slots(self) -> tuple[int, ...]:
        """The slots that the mover may play, ascending; empty at the end."""
        seat = self.mover
        mine = tuple(slot for slot in range(7) if self.held[seat] >> slot & 1)
        if not self.trick:
            return mine
        suit = led_suit(self.table()[0], self.declaration)
        following = tuple(s for s in mine if follows(self.domino(seat, s), suit, self.declaration))
        return following or mine

    def play(self, slot: int) -> "Position":
        """The position after the mover plays `slot`; InputError if it may not."""
        if slot not in self.legal_slots():
            raise InputError.of(
                got=f"slot {slot} for seat {self.mover}",
                expected=f"one of its legal slots {self.legal_slots()}",
                remedy="follow the led suit with a domino that is still held",
            )
        held = [self.held[seat] & ~(1 << slot) if seat == self.mover else self.held[seat] for seat in SEATS]
        after = replace(self, held=(held[0], held[1], held[2], held[3]), trick=(*self.trick, slot))
        return after._collect() if len(after.trick) == 4 else after

    def _collect(self) -> "Position":
        dominoes = self.table()
        winner = next_seat(self.leader, trick_winner(dominoes, self.declaration))
        points = [self.won[side] + (trick_points(dominoes) if side == team(winner) else 0) for side in (0, 1)]
        return replace(self, leader=winner, trick=(), won=(points[0], points[1]))


def opening(deal: Deal, declaration: int) -> Position:
    """The first position of a deal: seat 0 to lead."""
    return Position(deal, int(declaration))
