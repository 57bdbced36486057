"""A hand being played, in sets of dominoes as 28-bit masks: changed in place, a few microseconds a play."""

from forge_core.errors import InputError
from forge_core.rules import HAND_POINTS, Deal, domino_name, hand_name, team
from forge_core.rules.domino import DOMINOES
from forge_core.rules.tables import COUNT_POINTS, FOLLOWERS, LED_SUIT, RANK


class HandPlay:
    """Where a hand stands.

    Attributes:
        declaration: 0-9.
        held: per seat the mask of the dominoes it still holds.
        plays: the dominoes played, in order; `seats` says by whom.
        leader: the seat that led, or is to lead, the present trick.
        mover: the seat to play; the next leader when the hand is over.
        won: points won by (team 0, team 1).
        last_points: points of seats 0 and 2 minus those of 1 and 3 in the trick that the last play ended, else 0.
    """

    def __init__(self, deal: Deal, declaration: int) -> None:
        self.declaration = declaration
        self.held = [sum(1 << domino for domino in hand) for hand in deal.hands]
        self.plays: list[int] = []
        self.seats: list[int] = []
        self.leader = self.mover = 0
        self.won = [0, 0]
        self.last_points = 0

    @property
    def is_over(self) -> bool:
        """Whether all 28 dominoes are played."""
        return len(self.plays) == len(DOMINOES)

    def legal_mask(self) -> int:
        """The dominoes that the mover may play, as a mask."""
        held, n_trick = self.held[self.mover], len(self.plays) % 4
        if not n_trick:
            return held
        led = self.plays[-n_trick]
        return held & FOLLOWERS[self.declaration][LED_SUIT[self.declaration][led]] or held

    def play(self, domino: int) -> None:
        """The mover plays a domino.

        Raises:
            InputError: it may not.
        """
        if domino < 0 or not self.legal_mask() >> domino & 1:
            named = domino_name(domino) if domino in DOMINOES else f"domino {domino}"
            raise InputError.of(
                got=f"{named} by seat {self.mover}",
                expected=f"one of {hand_name(members(self.legal_mask()))}",
                remedy="choose among the legal actions",
            )
        self.held[self.mover] &= ~(1 << domino)
        self.plays.append(domino)
        self.seats.append(self.mover)
        self.last_points = 0
        if len(self.plays) % 4:
            self.mover = (self.mover + 1) % 4
        else:
            self._collect()

    def result(self, bid: int | None) -> int:
        """What seats 0 and 2 have won so far: points minus the others', or, with a bid, a mark at the end."""
        if bid is None:
            return self.won[0] - self.won[1]
        return 0 if not self.is_over else 1 if self.won[0] >= bid else -1

    def _collect(self) -> None:
        trick = self.plays[-4:]
        ranks = RANK[self.declaration][LED_SUIT[self.declaration][trick[0]]]
        strengths = [ranks[domino] for domino in trick]
        self.leader = self.mover = (self.leader + strengths.index(max(strengths))) % 4
        points, side = 1 + sum(COUNT_POINTS[domino] for domino in trick), team(self.leader)
        self.won[side] += points
        self.last_points = points if side == 0 else -points


def members(mask: int) -> tuple[int, ...]:
    """The dominoes of a mask, ascending."""
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return tuple(found)


def check_bid(bid: int | None) -> int | None:
    """The bid itself; InputError unless it is None or 30-42."""
    if bid is not None and not 30 <= bid <= HAND_POINTS:
        raise InputError.of(got=f"bid {bid}", expected="30-42 points, or none", remedy="correct the bid")
    return bid
