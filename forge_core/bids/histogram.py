"""Histograms of the bidding team's final points, and the probability of making a bid that they give."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from forge_core.errors import InputError
from forge_core.intervals import wilson
from forge_core.rules import HAND_POINTS, Bid

BINS = HAND_POINTS + 1


class Chance(NamedTuple):
    """A probability with its 95 % interval."""

    p: float
    low: float
    high: float


def histogram(points: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "43"]:
    """How often the bidding team won 0 .. 42 points. InputError for points outside that range."""
    if points.size and not 0 <= points.min() <= points.max() <= HAND_POINTS:
        raise InputError.of(
            got=f"points from {points.min()} to {points.max()}", expected="0 to 42", remedy="correct the points"
        )
    return np.bincount(points, minlength=BINS)


def p_make(counts: Int64[np.ndarray, "43"], bid: Bid) -> Chance:
    """The probability of making a bid, from a histogram. InputError for an empty one."""
    made, n = int(counts[bid.points :].sum()), int(counts.sum())
    if n < 1:
        raise InputError.of(got=f"{n} samples", expected="at least one", remedy="take more samples")
    return Chance(made / n, *wilson(made, n))


def mean_points(counts: Int64[np.ndarray, "43"]) -> float:
    """The mean of a histogram, in points."""
    return float((counts * np.arange(BINS)).sum() / counts.sum())
