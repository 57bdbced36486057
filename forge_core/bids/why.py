"""Why a contract fails: playouts that stay below a bid, sorted by the trick that cost most."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forge_core.bids.open_hands import draw_worlds
from forge_core.bids.playouts import play_deals
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.players.decisions import AnyPlayer
from forge_core.rules import Deal, trick_points, trick_winner


@dataclass(frozen=True, slots=True)
class Failure:
    """A playout that stayed below.

    deal          the four hands
    declaration   0-9
    plays         the dominoes in the order of play
    players       who played each of them
    points        that seat 0's team won
    """

    deal: Deal
    declaration: int
    plays: tuple[int, ...]
    players: tuple[int, ...]
    points: int

    def tricks(self) -> list[tuple[int, tuple[int, ...], int, int]]:
        """Per trick: who led, the dominoes in the order of play, who won, the points."""
        rows = [(self.plays[i : i + 4], self.players[i : i + 4]) for i in range(0, 28, 4)]
        return [(seats[0], d, seats[trick_winner(d, self.declaration)], trick_points(d)) for d, seats in rows]

    def costliest(self) -> tuple[int, int]:
        """Of the lost trick with the most points, the first of them: the domino led, and the one that won it."""
        lost = [trick for trick in self.tricks() if trick[2] % 2]
        _, dominoes, _, _ = max(lost, key=lambda trick: trick[3])
        return dominoes[0], dominoes[trick_winner(dominoes, self.declaration)]


@dataclass(frozen=True, slots=True)
class Reason:
    """Failures whose costliest trick is the same: the domino led, the one that won it."""

    led: int
    won_by: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """The failures among some playouts, the usual reason first."""

    playouts: int
    below: int
    reasons: tuple[Reason, ...]

    @property
    def n_failures(self) -> int:
        """How many playouts stayed below."""
        return sum(len(reason.failures) for reason in self.reasons)


def why(
    hand: Sequence[int], declaration: int, below: int, settings: BidSettings, player: AnyPlayer, *, seed: int = 0
) -> Why:
    """Play a hand out and keep what stays below so many points; `settings.play_for` is what they play for.

    Raises InputError without a playout.
    """
    if not settings.playouts:
        raise InputError.of(got="0 playouts", expected="at least one", remedy="play more")
    deals = draw_worlds(hand, settings.playouts, seed=seed)
    played = play_deals(deals, np.full(len(deals), declaration, np.uint8), settings, player, seed=seed)
    groups: defaultdict[tuple[int, int], list[Failure]] = defaultdict(list)
    for row in np.flatnonzero(played.points[:, 0] < below):
        failure = Failure(
            Deal.of(deals[row].tolist()),
            declaration,
            tuple(played.plays[row].tolist()),
            tuple(played.players[row].tolist()),
            int(played.points[row, 0]),
        )
        groups[failure.costliest()].append(failure)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return Why(len(deals), below, tuple(Reason(*key, tuple(failures)) for key, failures in ordered))
