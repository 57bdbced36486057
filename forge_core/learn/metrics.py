"""How good a model plays and predicts, against exact values; everything in points, mover's view."""

import numpy as np
import polars as pl
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from forge_core.tokens.dataset import TokenArrays

BLUNDER_POINTS = 10
"""A play whose regret is larger than this is a blunder."""

_INTERVAL = 1.96  # standard errors either way: 95 % of a normal distribution


class Summary(BaseModel):
    """Means over samples.

    q_gap         regret of the chosen play: best q minus its q, points, >= 0
    accuracy      share of choices that are one of the best plays
    blunder_rate  share of choices with a regret over 10 points
    q_mae         mean absolute error of the predicted q over all legal slots, points; None = nothing predicted
    value_mae     mean absolute error of the predicted value, points; None = nothing predicted
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    q_gap: float
    accuracy: float
    blunder_rate: float
    q_mae: float | None
    value_mae: float | None


class Metrics(BaseModel):
    """The means over a split, and over its parts.

    deals      how many deals (seeds) the samples come from
    intervals  name of a mean -> its 95 % interval over deals: states of one deal share its luck, so deals are drawn,
               not states; empty for a single deal
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    overall: Summary
    deals: int
    intervals: dict[str, tuple[float, float]]
    by_plays_left: dict[int, Summary]
    by_declaration: dict[int, Summary]


def measure_model(
    slots: Float[np.ndarray, "n 7"], value: Float[np.ndarray, "n"], arrays: TokenArrays, *, predicts_q: bool
) -> Metrics:
    """The metrics of a model that answered `slots` and `value` and plays its highest legal slot.

    slots  Q in points where `predicts_q`, else logits
    value  V in points
    """
    choice = np.where(arrays.legal, slots, -np.inf).argmax(axis=1)
    rows = np.arange(len(arrays))
    regret = arrays.v.astype(np.float64) - arrays.q[rows, choice]
    q_error = np.where(arrays.legal, np.abs(slots - arrays.q.astype(np.float64)), 0).sum(axis=1)
    columns = {
        "regret": regret,
        "best": arrays.best[rows, choice].astype(np.float64),
        "blunder": (regret > BLUNDER_POINTS).astype(np.float64),
        "q_error": q_error if predicts_q else np.full(len(arrays), np.nan),
        "value_error": np.abs(value - arrays.v.astype(np.float64)),
    }
    return _summarise(columns, arrays)


def measure_random_play(arrays: TokenArrays) -> Metrics:
    """The expected metrics of choosing uniformly among the legal plays, computed exactly, not by a draw."""
    regret = arrays.v[:, None].astype(np.float64) - arrays.q
    unknown = np.full(len(arrays), np.nan)
    columns = {
        "regret": _mean_of_legal(regret, arrays),
        "best": _mean_of_legal(arrays.best, arrays),
        "blunder": _mean_of_legal(regret > BLUNDER_POINTS, arrays),
        "q_error": unknown,
        "value_error": unknown,
    }
    return _summarise(columns, arrays)


def _mean_of_legal(numbers: np.ndarray, arrays: TokenArrays) -> Float[np.ndarray, "n"]:
    return np.where(arrays.legal, numbers, 0).sum(axis=1) / arrays.legal.sum(axis=1)


_ERROR_OF_MEAN = {
    "q_gap": ("regret", "one"),
    "accuracy": ("best", "one"),
    "blunder_rate": ("blunder", "one"),
    "q_mae": ("q_error", "n_legal"),
    "value_mae": ("value_error", "one"),
}
"""Name of a mean -> the columns whose sums it is the ratio of."""


def _summarise(columns: dict[str, Float[np.ndarray, "n"]], arrays: TokenArrays) -> Metrics:
    frame = pl.DataFrame(columns).with_columns(
        one=pl.lit(1.0),
        n_legal=pl.Series(arrays.legal.sum(axis=1).astype(np.float64)),
        plays_left=pl.Series(arrays.plays_left),
        declaration=pl.Series(arrays.declaration),
        seed=pl.Series(arrays.seed),
    )
    means = [
        pl.when((total / count).is_not_nan()).then(total / count).alias(name)
        for name, (above, below) in _ERROR_OF_MEAN.items()
        for total, count in [(pl.col(above).sum(), pl.col(below).sum())]
    ]
    return Metrics(
        overall=Summary.model_validate(frame.select(pl.len().alias("samples"), *means).row(0, named=True)),
        deals=frame["seed"].n_unique(),
        intervals=_intervals(frame),
        by_plays_left=_by(frame, "plays_left", means),
        by_declaration=_by(frame, "declaration", means),
    )


def _by(frame: pl.DataFrame, column: str, means: list[pl.Expr]) -> dict[int, Summary]:
    parts = frame.group_by(column).agg(pl.len().alias("samples"), *means).sort(column)
    return {row.pop(column): Summary.model_validate(row) for row in parts.iter_rows(named=True)}


def _intervals(frame: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """The ratio estimator's interval with deals as clusters: sums over deals, then the scatter of what is left."""
    deals = frame.group_by("seed").agg(pl.all().exclude("plays_left", "declaration").sum())
    n = len(deals)
    if n < 2:
        return {}
    intervals: dict[str, tuple[float, float]] = {}
    for name, (above, below) in _ERROR_OF_MEAN.items():
        total, count = deals[above].to_numpy(), deals[below].to_numpy()
        mean = total.sum() / count.sum()
        if np.isfinite(mean):
            error = float(np.sqrt(((total - mean * count) ** 2).sum() * n / (n - 1)) / count.sum())
            intervals[name] = (float(mean) - _INTERVAL * error, float(mean) + _INTERVAL * error)
    return intervals
