"""From the Q of every world to what is told about a decision: mean, variance, SEM, P(make), share of best."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from forge_core.expected_q.record import Record
from forge_core.rules import team


@dataclass(frozen=True, slots=True)
class Estimate:
    """What each slot of the mover's original hand is worth; NaN for slots that may not be played.

    mean         expected points to go, own team minus the other, mover's view
    variance     of the points over the worlds, points squared
    sem          standard error of the mean, points; 0 when every world was taken
    p_make       probability that the bidding team makes its bid; NaN without a bid
    best_share   share of the worlds in which no other slot is better
    """

    mean: Float64[np.ndarray, "7"]
    variance: Float64[np.ndarray, "7"]
    sem: Float64[np.ndarray, "7"]
    p_make: Float64[np.ndarray, "7"]
    best_share: Float64[np.ndarray, "7"]

    @property
    def legal(self) -> Bool[np.ndarray, "7"]:
        """The slots that may be played."""
        return ~np.isnan(self.mean)


def estimate(
    q: Float32[np.ndarray, "n 7"],
    weights: Float64[np.ndarray, "n"],
    *,
    exact: bool,
    makes: Bool[np.ndarray, "n 7"] | None = None,
) -> Estimate:
    """Weighted estimates over n worlds of one decision.

    A sample's variance is corrected for its size (n / (n - 1) for equal weights, 1 / (1 - sum(w^2)) in general), and
    its SEM is that of a weighted mean of independent draws. All worlds (`exact`) need no correction and have no error.
    """
    w = weights[:, None]
    # sums over the worlds' axis and no dot products: their result must not depend on a BLAS library's threads
    mean = (w * q).sum(axis=0, dtype=np.float64)
    squares = (q - mean) ** 2
    spread = 1.0 - float((weights**2).sum())
    correction = 1.0 if exact else 1.0 / spread if spread > 1e-9 else np.inf
    variance = (w * squares).sum(axis=0) * (correction if np.isfinite(correction) else 1.0)
    sem = np.full(7, np.inf) if np.isinf(correction) else np.sqrt((w**2 * squares).sum(axis=0) * correction)
    sem = np.where(np.isnan(mean), np.nan, np.zeros(7) if exact else sem)
    legal = ~np.isnan(mean)
    is_best = q >= np.where(legal, q, -np.inf).max(axis=1, keepdims=True)
    best_share = np.where(legal, (w * is_best).sum(axis=0), np.nan)
    p_make = np.full(7, np.nan) if makes is None else np.where(legal, (w * makes).sum(axis=0), np.nan)
    return Estimate(mean, variance, sem, np.minimum(p_make, 1.0), np.minimum(best_share, 1.0))


def makes_bid(q: Float32[np.ndarray, "n k"], record: Record, seat: int, bid: int) -> Bool[np.ndarray, "n k"]:
    """Whether the bidding team (the first leader's) reaches its bid when `seat` plays a slot and q points follow.

    Its points are those already banked and its half of the points to go: (points left + q) / 2 for the mover's team,
    (points left - q) / 2 for the other. Predicted points are rounded to whole ones.
    """
    bidders = team(record.first_leader)
    sign = 1 if team(seat) == bidders else -1
    points = record.won[bidders] + (record.points_left + sign * q) / 2
    return points >= bid - 0.5
