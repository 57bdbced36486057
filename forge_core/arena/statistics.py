"""What pairs of contracts say, and how sure that is."""

from dataclasses import dataclass
from math import log, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from forge_core.intervals import Z_95, Interval

_Z_POWER = 0.8416212335729143  # four times in five


def mcnemar_p(only_a: int, only_b: int) -> float:
    """McNemar's exact two-sided p: discordant pairs as fair coins."""
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail, term = 0, 1
    for k in range(fewer + 1):
        tail += term
        term = term * (n - k) // (k + 1)
    return min(1.0, float(_ratio(2 * tail, n)))


def _ratio(tail: int, n: int) -> float:
    """tail / 2^n, also where neither fits a float."""
    shift = max(0, tail.bit_length() - 64)
    return float(tail >> shift) * 2.0 ** (shift - n)


def mcnemar_z(only_a: int, only_b: int) -> float:
    """The normal approximation (A - B) / sqrt(A + B); 0 without discordant pairs."""
    return (only_a - only_b) / sqrt(only_a + only_b) if only_a + only_b else 0.0


def bootstrap_mean(values: Float[np.ndarray, "n"], *, seed: int = 0, resamples: int = 10_000) -> Interval:
    """The 95 % percentile interval of the mean over n deals, resampled with replacement."""
    kinds, counts = np.unique(values, return_counts=True)
    n = len(values)
    rng = np.random.Generator(np.random.Philox(seed))
    # how often each distinct value is drawn says all about a resample's mean
    drawn = rng.multinomial(n, counts / n, size=resamples)
    low, high = np.quantile((drawn * kinds).sum(axis=1) / n, [0.025, 0.975])
    return Interval(float(low), float(high))


def pairs_needed(only_a: int, only_b: int, pairs: int) -> int | None:
    """Pairs that would tell this difference from none four times in five (5 % error); None without a difference."""
    discordant = only_a + only_b
    if only_a == only_b:
        return None
    share = only_a / discordant
    needed = ((Z_95 / 2 + _Z_POWER * sqrt(share * (1 - share))) / (share - 0.5)) ** 2
    return int(np.ceil(needed * pairs / discordant))


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential test on discordant pairs: A's share of them is `null`, or `alternative`.

    Each error (taking one for the other) has at most the probability `error`.
    """

    null: float
    alternative: float
    error: float = 0.05

    def decide(self, wins: Bool[np.ndarray, "m"]) -> tuple[str, int] | None:
        """What is decided ("null" or "alternative") and after which discordant pair; None where it is still open.

        Args:
            wins: of the discordant pairs in the order of their seeds, whether A won it.
        """
        for_win, for_loss = log(self.alternative / self.null), log((1 - self.alternative) / (1 - self.null))
        ratio = np.cumsum(np.where(wins, for_win, for_loss))
        bound = log((1 - self.error) / self.error)
        crossed = np.flatnonzero(np.abs(ratio) >= bound)
        if not len(crossed):
            return None
        at = int(crossed[0])
        return ("alternative" if ratio[at] > 0 else "null"), at + 1


class Ratings(NamedTuple):
    """Bradley-Terry ratings in Elo points, their mean 0, with 95 % half-widths."""

    elo: Float64[np.ndarray, "k"]
    half_width: Float64[np.ndarray, "k"]


def bradley_terry(wins: Int64[np.ndarray, "k k"]) -> Ratings:
    """Ratings from wins[i, j] = how often i beat j: maximum likelihood, with half a win each way between all who met.

    The half win keeps a rating finite for who won or lost everything. Intervals from the observed information.
    """
    met = (wins + wins.T) > 0
    w = wins + 0.5 * met
    np.fill_diagonal(w, 0.0)
    k = len(w)
    theta = np.zeros(k)
    n = w + w.T
    covariance = np.zeros((k, k))
    for _ in range(100):
        p = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
        gradient = (w - n * p).sum(axis=1)
        curvature = n * p * (1 - p)
        information = np.diag(curvature.sum(axis=1)) - curvature
        covariance = np.linalg.pinv(information)  # the mean of the ratings is free: the pseudo-inverse fixes it at 0
        step = covariance @ gradient
        theta += np.clip(step, -1.0, 1.0)
        theta -= theta.mean()
        if np.abs(step).max() < 1e-10:
            break
    scale = 400 / log(10)
    return Ratings(theta * scale, Z_95 * np.sqrt(np.maximum(0.0, np.diag(covariance))) * scale)
