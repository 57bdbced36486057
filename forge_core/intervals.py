"""How sure a measured share is."""

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """The 95 % interval of the share successes / n by Wilson's score; everything when n is 0."""
    if n == 0:
        return Interval(0.0, 1.0)
    rate, z2 = successes / n, Z_95**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return Interval(max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half)))
