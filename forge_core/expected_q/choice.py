"""Which play is made once the plays are valued: the best one, or now and then another on purpose."""

from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate

import numpy as np
from jaxtyping import Bool, Float64

from forge_core.expected_q.estimate import Estimate
from forge_core.expected_q.settings import EqSettings, ExplorationMode, ExplorationSettings, Objective


class ChoiceMode(IntEnum):
    """Why a play was made; recorded with every decision."""

    GREEDY = 0
    EPSILON = 1
    BOLTZMANN = 2
    BLUNDER = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The play made.

    slot      of the mover's original hand
    mode      why
    regret    points of E[Q] given up against the largest
    entropy   of the distribution it was drawn from, in nats
    """

    slot: int
    mode: ChoiceMode
    regret: float
    entropy: float


_TOLERANCE = 1e-9


def choose(values: Estimate, settings: EqSettings, rng: np.random.Generator, *, bidding: bool) -> Choice:
    """Draw the play. Two numbers are drawn from `rng` whatever happens: one for the mode, one for the slot.

    Ties are broken at random. Under the objective make, the bidding team maximises P(make), the other (`bidding`
    false) minimises it, and equal chances are told apart by points.
    """
    parts = _parts(values, settings, bidding=bidding)
    shares = np.array([share for _, share, _ in parts])
    pick_mode, pick_slot = rng.random(2)
    mode, _, distribution = parts[_pick(shares, pick_mode)]
    slot = _pick(distribution, pick_slot)
    mixture = sum((share * part for _, share, part in parts), np.zeros(7))
    positive = mixture[mixture > 0]
    entropy = max(0.0, -float((positive * np.log(positive)).sum()))
    return Choice(slot, mode, float(np.nanmax(values.mean) - values.mean[slot]), entropy)


def _parts(
    values: Estimate, settings: EqSettings, *, bidding: bool
) -> list[tuple[ChoiceMode, float, Float64[np.ndarray, "7"]]]:
    """The modes that may decide, with their shares (sum 1) and their distributions over the slots."""
    explore: ExplorationSettings = settings.exploration
    utility, best = _utility(values, settings, bidding=bidding)
    greedy = (ChoiceMode.GREEDY, 1.0, best / best.sum())
    if explore.mode is ExplorationMode.GREEDY:
        return [greedy]
    uniform = values.legal / values.legal.sum()
    exponent = np.where(values.legal, (utility - np.nanmax(utility)) / explore.temperature, -np.inf)
    boltzmann = np.exp(exponent) / np.exp(exponent).sum()
    if explore.mode is ExplorationMode.EPSILON_GREEDY:
        return [(ChoiceMode.EPSILON, explore.epsilon, uniform), (greedy[0], 1 - explore.epsilon, greedy[2])]
    if explore.mode is ExplorationMode.BOLTZMANN:
        return [(ChoiceMode.BOLTZMANN, 1.0, boltzmann)]
    small = values.legal & ~best & (np.nanmax(values.mean) - values.mean <= explore.blunder_max_regret)
    blunders = explore.blunder_rate if small.any() else 0.0
    rest = 1 - blunders
    return [
        (ChoiceMode.BLUNDER, blunders, small / max(1, small.sum())),
        (ChoiceMode.EPSILON, rest * explore.epsilon, uniform),
        (ChoiceMode.BOLTZMANN, rest * (1 - explore.epsilon), boltzmann),
    ]


def _utility(
    values: Estimate, settings: EqSettings, *, bidding: bool
) -> tuple[Float64[np.ndarray, "7"], Bool[np.ndarray, "7"]]:
    """What is maximised (points, or percent of P(make)), and the slots that are best by it, ties included."""
    if settings.objective is Objective.POINTS:
        return values.mean, values.mean >= np.nanmax(values.mean) - _TOLERANCE
    utility = 100 * (values.p_make if bidding else 1 - values.p_make)
    likeliest = utility >= np.nanmax(utility) - _TOLERANCE
    points = np.where(likeliest, values.mean, -np.inf)
    return utility, points >= np.max(points) - _TOLERANCE


def _pick(shares: Float64[np.ndarray, "k"], at: float) -> int:
    """The index that the number `at` in [0, 1) falls on; never one without a share."""
    edges = list(accumulate(shares.tolist()))
    last = edges.index(edges[-1])  # the last one with a share, where rounding carries `at` to the very end
    return next((index for index, edge in enumerate(edges) if edge > at * edges[-1]), last)
