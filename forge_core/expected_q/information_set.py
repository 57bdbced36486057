"""What a seat knows when it is to play: its own hand and the public record. From these, who may hold what."""

from collections.abc import Iterable
from dataclasses import dataclass

from forge_core.errors import InputError, RecordError
from forge_core.expected_q.record import N_PLAYS, Record
from forge_core.rules import DOMINOES, SEATS, domino_name, hand_name
from forge_core.rules.tables import FOLLOWS


@dataclass(frozen=True, slots=True)
class InformationSet:
    """A seat's hand and the public record. Build it with `of`, which checks them against each other.

    record   the public record
    seat     whose knowledge this is
    hand     the dominoes the seat holds now, ascending
    """

    record: Record
    seat: int
    hand: tuple[int, ...]

    @classmethod
    def of(cls, record: Record, seat: int, hand: Iterable[int]) -> "InformationSet":
        """The information set of a seat that holds `hand` now and is to play.

        InputError for an impossible hand, RecordError, naming the play, for plays that the hand refutes.
        """
        info = cls(record, seat, tuple(sorted(hand)))
        _check_hand(info)
        _check_turn(info)
        _check_own_plays(info)
        return info

    @property
    def original_hand(self) -> tuple[int, ...]:
        """The seven dominoes the seat was dealt, ascending: its slots."""
        return tuple(sorted((*self.hand, *self._own_plays())))

    @property
    def others(self) -> tuple[int, int, int]:
        """The other seats in the order of play, beginning at the left."""
        return (self.seat + 1) % 4, (self.seat + 2) % 4, (self.seat + 3) % 4

    @property
    def unseen(self) -> tuple[int, ...]:
        """The dominoes that the other seats hold now, ascending."""
        return tuple(d for d in DOMINOES if d not in self.hand and d not in self.record.plays)

    def needs(self) -> tuple[int, int, int]:
        """How many dominoes each of `others` holds now."""
        a, b, c = (7 - self.record.seats.count(seat) for seat in self.others)
        return a, b, c

    def legal_dominoes(self) -> tuple[int, ...]:
        """What the seat may play, ascending; it must be its turn."""
        return _legal(self.hand, self.record.led_suit(), self.record.declaration)

    def legal_slots(self) -> tuple[int, ...]:
        """The same as slots of its original hand."""
        slots = self.original_hand
        return tuple(slots.index(domino) for domino in self.legal_dominoes())

    def before(self, n_plays: int) -> "InformationSet":
        """What the same seat knew before play number `n_plays` (counted from 0), whoever was to play."""
        record = self.record.prefix(n_plays)
        mine = [d for d, seat in zip(record.plays, record.seats, strict=True) if seat == self.seat]
        return InformationSet(record, self.seat, tuple(d for d in self.original_hand if d not in mine))

    def _own_plays(self) -> tuple[int, ...]:
        record = self.record
        return tuple(d for d, seat in zip(record.plays, record.seats, strict=True) if seat == self.seat)


def _legal(hand: tuple[int, ...], suit: int | None, declaration: int) -> tuple[int, ...]:
    if suit is None:
        return hand
    return tuple(d for d in hand if FOLLOWS[declaration][suit][d]) or hand


def _check_hand(info: InformationSet) -> None:
    hand, record = info.hand, info.record
    if info.seat not in SEATS or len(set(hand)) != len(hand) or not all(d in DOMINOES for d in hand):
        raise InputError.of(
            got=f"seat {info.seat} with the hand {hand}",
            expected="a seat 0-3 and different dominoes",
            remedy="correct the seat or the hand",
        )
    for index, domino in enumerate(record.plays):
        if domino in hand:
            raise RecordError.of(
                got=f"{record.play_name(index)}, which seat {info.seat} still holds",
                expected="plays of dominoes that are no longer in the hand",
                remedy="correct this play or the hand",
            )
    played = record.seats.count(info.seat)
    if len(hand) + played != 7:
        raise InputError.of(
            got=f"a hand of {len(hand)} ({hand_name(hand)}) after {played} plays by seat {info.seat}",
            expected=f"a hand of {7 - played}",
            remedy="give what the seat holds now, and every play of the deal so far",
        )


def _check_turn(info: InformationSet) -> None:
    record = info.record
    if len(record.plays) == N_PLAYS or record.mover != info.seat:
        turn = "nobody's turn: all 28 dominoes are played" if len(record.plays) == N_PLAYS else f"seat {record.mover}"
        raise RecordError.of(
            got=f"a question of seat {info.seat} after {len(record.plays)} plays"
            + (f", the last one {record.play_name(len(record.plays) - 1)}" if record.plays else ""),
            expected=f"{turn} to play",
            remedy="correct the seat, the leader of the first trick or the plays",
        )


def _check_own_plays(info: InformationSet) -> None:
    """The seat's own plays must have followed suit from the hand that it is known to have held."""
    record, hand = info.record, info.original_hand
    for index, (domino, seat) in enumerate(zip(record.plays, record.seats, strict=True)):
        if seat != info.seat:
            continue
        legal = _legal(hand, record.led_suit_at(index), record.declaration)
        if domino not in legal:
            raise RecordError.of(
                got=f"{record.play_name(index)}, to a lead of {domino_name(record.plays[index // 4 * 4])}",
                expected=f"one of {hand_name(legal)}, which the seat held and which follow",
                remedy="correct this play or the hand",
            )
        hand = tuple(d for d in hand if d != domino)
