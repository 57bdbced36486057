"""Advice of a seat network, or of its rollouts, for one decision: hands stay hidden to the end of the deal."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from forge_core.expected_q.information_set import InformationSet
from forge_core.players.decisions import decisions_of
from forge_core.rules import domino_name
from forge_core.rules.domino import HAND_POINTS
from forge_core.seat.belief import holders
from forge_core.seat.model import SeatModel, legal_slots, utility
from forge_core.seat.player import RolloutPlayer


@dataclass(frozen=True, slots=True)
class SeatPlayAdvice:
    """One legal play.

    domino   its id
    mean     expected points to go, own team minus the other
    p_make   chance that the first leader's team makes the bid
    final    chances of that team's final points, 0-42; those of 30 and more are P(make) of every bid
    """

    domino: int
    mean: float
    p_make: float
    final: Float64[np.ndarray, "43"]


@dataclass(frozen=True, slots=True)
class SeatAdvice:
    """What `forge advise --oracle seat` and `--oracle rollout` tell.

    plays    the legal plays, the one that the player would make first
    holders  chance that relative seat 1, 2, 3 (left, partner, right) holds each domino
    """

    plays: tuple[SeatPlayAdvice, ...]
    holders: Float64[np.ndarray, "28 3"]

    def as_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "plays": [
                {
                    "domino": domino_name(play.domino),
                    "mean": play.mean,
                    "p_make": play.p_make,
                    "final": [round(float(chance), 6) for chance in play.final],
                }
                for play in self.plays
            ],
            "holders": {
                domino_name(domino): [round(float(chance), 6) for chance in chances]
                for domino, chances in enumerate(self.holders)
                if chances.any()
            },
        }


def seat_advice(info: InformationSet, oracle: SeatModel | RolloutPlayer, *, bid: int = 30, key: int = 0) -> SeatAdvice:
    """What each legal play is worth when nobody sees a hidden hand, then or later.

    Args:
        info: what the seat knows.
        oracle: a network, asked once; or its rollouts, in worlds that `key` draws.
        bid: of the first leader's team, 30-42 points.
        key: see `decisions_of`.
    """
    asked = decisions_of([info], bid, key=key)
    if isinstance(oracle, RolloutPlayer):
        histogram = oracle.histograms(asked)
        chances = histogram / np.maximum(1, histogram.sum(axis=2, keepdims=True))
        logits = oracle.model.belief(asked)
    else:
        chances, logits = oracle.chances(asked).astype(np.float64), oracle.belief(asked)
    bins = np.arange(HAND_POINTS + 1)
    made = (chances * (bins >= asked.needed()[:, None, None])).sum(axis=2)
    points = chances @ bins
    hands, legal = legal_slots(asked)
    worth = utility(made, points, asked)[0]
    banked, left = bid - int(asked.needed()[0]), int(asked.points_left()[0])
    sign = 1 if asked.bidding()[0] else -1
    plays = [
        SeatPlayAdvice(
            domino=int(hands[0, slot]),
            mean=float(sign * (2 * points[0, slot] - left)),
            p_make=float(made[0, slot]),
            final=_shifted(chances[0, slot], banked),
        )
        for slot in sorted(np.flatnonzero(legal[0]), key=lambda slot: -worth[slot])
    ]
    return SeatAdvice(tuple(plays), holders(asked, logits)[0])


def _shifted(chances: Float64[np.ndarray, "43"], banked: int) -> Float64[np.ndarray, "43"]:
    final = np.zeros(HAND_POINTS + 1)
    final[banked:] = chances[: HAND_POINTS + 1 - banked]
    return final
