"""From the Q of every world to what is told about a decision: mean, variance, SEM, P(make), share of best."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from forge_core.expected_q.record import Record
from forge_core.rules import HAND_POINTS, team


@dataclass(frozen=True, slots=True)
class Estimate:
    """What each slot of the mover's original hand is worth; NaN for slots that may not be played.

    mean         expected points to go, own team minus the other, mover's view
    variance     of the points over the worlds, points squared
    sem          standard error of the mean, points; 0 when every world was taken
    p_make       probability that the bidding team makes its bid; NaN without a bid
    p_final      probability that the bidding team ends with 0 to 42 points
    best_share   share of the worlds in which no other slot is better
    """

    mean: Float64[np.ndarray, "7"]
    variance: Float64[np.ndarray, "7"]
    sem: Float64[np.ndarray, "7"]
    p_make: Float64[np.ndarray, "7"]
    p_final: Float64[np.ndarray, "7 43"]
    best_share: Float64[np.ndarray, "7"]

    @property
    def legal(self) -> Bool[np.ndarray, "7"]:
        """The slots that may be played."""
        return ~np.isnan(self.mean)


def estimate(
    q: Float32[np.ndarray, "n 7"],
    weights: Float64[np.ndarray, "n"],
    *,
    final: Int64[np.ndarray, "n 7"],
    bid: int | None = None,
    exact: bool,
) -> Estimate:
    """Weighted estimates over n worlds of one decision; `final` are the bidding team's (see `final_points`).

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
    p_make = np.full(7, np.nan) if bid is None else np.where(legal, (w * (final >= bid)).sum(axis=0), np.nan)
    slots = np.flatnonzero(legal)
    p_final = np.full((7, HAND_POINTS + 1), np.nan)
    p_final[slots] = [np.bincount(final[:, slot], weights, HAND_POINTS + 1) for slot in slots]
    return Estimate(mean, variance, sem, np.minimum(p_make, 1.0), p_final, np.minimum(best_share, 1.0))


def final_points(q: Float32[np.ndarray, "n k"], record: Record, seat: int) -> Int64[np.ndarray, "n k"]:
    """The points that the bidding team (the first leader's) ends with when `seat` plays a slot and q points follow.

    Those already banked and its half of the points to go: (points left + q) / 2 for the mover's team,
    (points left - q) / 2 for the other. Predicted points are rounded to whole ones that can be; -1 where q is NaN.
    """
    bidders = team(record.first_leader)
    sign = 1 if team(seat) == bidders else -1
    to_go = np.clip((record.points_left + sign * q) / 2, 0, record.points_left)
    points = np.floor(record.won[bidders] + to_go + 0.5)
    return np.where(np.isnan(q), -1, np.nan_to_num(points)).astype(np.int64)
