"""How good a player chooses and a model predicts, against exact values; everything in points, mover's view.

What simple players choose, and what a model's answer makes it choose, are probabilities of the seven slots. A rule that
leaves several plays open chooses any of them alike; its metrics are then exact expectations, not draws.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int64
from pydantic import BaseModel, ConfigDict

from forge_core.errors import InputError
from forge_core.solver.rules_kernel import LED_SUITS, RANKS
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, N_SLOTS, Feature

BLUNDER_POINTS = 10
"""A play whose regret is larger than this is a blunder."""


_INTERVAL = 1.96  # standard errors either way: 95 % of a normal distribution

Intervals = dict[str, tuple[float, float]]
"""Name of a mean -> its 95 % interval over deals: states of one deal share its luck, so deals are drawn, not states.
A mean of a single deal, and one of nothing, has none."""

Choice = Float[np.ndarray, "n 7"]
"""Probability of each slot; 0 where it is not legal, 1 in sum."""


class Summary(BaseModel):
    """Means over samples.

    q_gap         regret of the chosen play: best q minus its q, points, >= 0
    accuracy      share of choices that are one of the best plays: those without regret
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


class Ties(BaseModel):
    """What a player makes of states in which several plays are best.

    label_accuracy  share of all choices that are the lowest best slot, the only one that a single label calls right
    label_ceiling   what a player reaches who always chooses one of the best plays, any of them alike: mean of one
                    over the number of best plays
    chosen          of the choices among at least two best slots, the share that fell on each slot
    expected        the same, had the player chosen any of these best slots alike
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_accuracy: float
    label_ceiling: float
    chosen: tuple[float, ...]
    expected: tuple[float, ...]


class DealSums(BaseModel):
    """Sums over the states of each deal, by ascending seed: what paired comparisons of players are made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: tuple[int, ...]
    states: tuple[int, ...]
    regret: tuple[float, ...]


class Metrics(BaseModel):
    """The means over some states, and over their parts, with their intervals (see `Intervals`).

    deals      how many deals (seeds) the samples come from
    intervals  of the means of `overall`, and of label_accuracy and label_ceiling of `ties`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    overall: Summary
    deals: int
    intervals: Intervals
    by_plays_left: dict[int, Summary]
    by_declaration: dict[int, Summary]
    intervals_by_plays_left: dict[int, Intervals]
    intervals_by_declaration: dict[int, Intervals]
    ties: Ties
    by_deal: DealSums


def highest_slot(slots: Float[np.ndarray, "n 7"], arrays: TokenArrays) -> Choice:
    """A model plays the legal slot of its highest answer (the lowest of them, were two exactly equal)."""
    choice = np.zeros(slots.shape)
    choice[np.arange(len(slots)), np.where(arrays.legal, slots, -np.inf).argmax(axis=1)] = 1
    return choice


def random_play(arrays: TokenArrays) -> Choice:
    """Any legal slot, all alike."""
    return _alike(arrays.legal)


def highest_rank_play(arrays: TokenArrays) -> Choice:
    """The legal domino of the highest rank in this trick; any of them alike, where several have it.

    The rank is that of the rules (`rules.rank`) in a trick of the led suit; who leads ranks each domino in the suit it
    would lead. So one leads the highest trump, else a double, else the highest pip sum; follows with the highest there
    is; plays the highest trump if one cannot follow; and throws anything away if one can do neither.
    """
    dominoes = _dominoes(arrays, slice(FIRST_HAND, FIRST_HAND + N_SLOTS))
    declaration = arrays.declaration.astype(np.int64)[:, None]
    follows = arrays.mask[:, FIRST_TRICK, None]
    led = np.where(follows, _dominoes(arrays, slice(FIRST_TRICK, FIRST_TRICK + 1)), dominoes)
    rank = np.where(arrays.legal, RANKS[declaration, LED_SUITS[declaration, led], dominoes], -1)
    return _alike(rank == rank.max(axis=1, keepdims=True))


def _alike(open_to_choice: Bool[np.ndarray, "n 7"]) -> Choice:
    return open_to_choice / open_to_choice.sum(axis=1, keepdims=True)


def _dominoes(arrays: TokenArrays, tokens: slice) -> Int64[np.ndarray, "n k"]:
    return arrays.tokens[:, tokens, Feature.DOMINO].astype(np.int64)


def measure_model(
    slots: Float[np.ndarray, "n 7"], value: Float[np.ndarray, "n"], arrays: TokenArrays, *, predicts_q: bool
) -> Metrics:
    """The metrics of a model that answered `slots` and `value` and plays its highest legal slot.

    slots  Q in points where `predicts_q`, else logits
    value  V in points
    """
    q_error = np.where(arrays.legal, np.abs(slots - arrays.q.astype(np.float64)), 0).sum(axis=1)
    errors = {"value_error": np.abs(value - arrays.v.astype(np.float64))}
    return measure_choice(
        highest_slot(slots, arrays), arrays, errors=errors | ({"q_error": q_error} if predicts_q else {})
    )


def measure_random_play(arrays: TokenArrays) -> Metrics:
    """The expected metrics of choosing uniformly among the legal plays, computed exactly, not by a draw."""
    return measure_choice(random_play(arrays), arrays)


def measure_choice(
    choice: Choice,
    arrays: TokenArrays,
    *,
    errors: Mapping[str, Float[np.ndarray, "n"]] | None = None,
) -> Metrics:
    """The expected metrics of a player who plays each slot with the probability `choice`, 0 where it is not legal.

    errors  what it predicted: `q_error`, the sum of absolute errors over the legal slots, and `value_error`, points
    """
    regrets = np.where(arrays.legal, arrays.v[:, None].astype(np.float64) - arrays.q, 0)
    n_best = arrays.best.sum(axis=1).astype(np.float64)
    unknown = np.full(len(arrays), np.nan)
    columns = {
        "regret": (choice * regrets).sum(axis=1),
        "best": (choice * arrays.best).sum(axis=1),
        "blunder": (choice * (regrets > BLUNDER_POINTS)).sum(axis=1),
        "label": choice[np.arange(len(arrays)), arrays.best.argmax(axis=1)],
        "ceiling": 1 / n_best,
        "q_error": unknown,
        "value_error": unknown,
        **(errors or {}),
    }
    return _summarise(columns, arrays, slots=_slots_of_ties(choice, arrays, n_best))


def _slots_of_ties(choice: Choice, arrays: TokenArrays, n_best: Float[np.ndarray, "n"]) -> dict[str, tuple[float, ...]]:
    among_best = choice * arrays.best
    tied = n_best > 1
    chosen = among_best[tied].sum(axis=0)
    expected = (among_best.sum(axis=1) / n_best)[tied] @ arrays.best[tied]
    total = max(float(chosen.sum()), 1e-300)  # without any tie all shares are 0
    return {"chosen": tuple((chosen / total).tolist()), "expected": tuple((expected / total).tolist())}


_RATIOS = {
    "q_gap": ("regret", "one"),
    "accuracy": ("best", "one"),
    "blunder_rate": ("blunder", "one"),
    "q_mae": ("q_error", "n_legal"),
    "value_mae": ("value_error", "one"),
    "label_accuracy": ("label", "one"),
    "label_ceiling": ("ceiling", "one"),
}
"""Name of a mean -> the columns whose sums it is the ratio of."""

_MEANS = [
    pl.when((total / count).is_finite()).then(total / count).alias(name)
    for name, (above, below) in _RATIOS.items()
    for total, count in [(pl.col(above).sum(), pl.col(below).sum())]
]


def _error(above: str, below: str) -> pl.Expr:
    """The ratio estimator's standard error with deals as clusters: the scatter of what the mean leaves of each deal."""
    total, count, deals = pl.col(above), pl.col(below), pl.len()
    scatter = ((total - total.sum() / count.sum() * count) ** 2).sum()
    return pl.when(deals > 1).then((scatter * deals / (deals - 1)).sqrt() / count.sum())


_ERRORS = [_error(*columns).fill_nan(None).alias(f"error of {name}") for name, columns in _RATIOS.items()]


def _summarise(
    columns: Mapping[str, Float[np.ndarray, "n"]], arrays: TokenArrays, *, slots: Mapping[str, tuple[float, ...]]
) -> Metrics:
    frame = pl.DataFrame(dict(columns)).with_columns(
        one=pl.lit(1.0),
        n_legal=pl.Series(arrays.legal.sum(axis=1).astype(np.float64)),
        plays_left=pl.Series(arrays.plays_left),
        declaration=pl.Series(arrays.declaration),
        seed=pl.Series(arrays.seed),
    )
    deals = _by_deal(frame.drop("plays_left", "declaration"), "seed").sort("seed")
    overall = deals.select(pl.col("one").sum().cast(pl.Int64).alias("samples"), *_MEANS, *_ERRORS).row(0, named=True)
    by_plays_left, by_declaration = (_by(frame, part) for part in ("plays_left", "declaration"))
    return Metrics(
        overall=_summary(overall),
        deals=len(deals),
        intervals=_intervals(overall),
        by_plays_left={part: _summary(row) for part, row in by_plays_left.items()},
        by_declaration={part: _summary(row) for part, row in by_declaration.items()},
        intervals_by_plays_left={part: _intervals(row) for part, row in by_plays_left.items()},
        intervals_by_declaration={part: _intervals(row) for part, row in by_declaration.items()},
        ties=Ties(label_accuracy=overall["label_accuracy"], label_ceiling=overall["label_ceiling"], **slots),
        by_deal=DealSums(
            seeds=tuple(deals["seed"]), states=tuple(deals["one"].cast(pl.Int64)), regret=tuple(deals["regret"])
        ),
    )


def _by_deal(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    return frame.group_by(*by).agg(pl.all().sum())


def _by(frame: pl.DataFrame, part: str) -> dict[int, dict[str, float]]:
    other = {"plays_left", "declaration"} - {part}
    deals = _by_deal(frame.drop(other), part, "seed").sort("seed")
    samples = pl.col("one").sum().cast(pl.Int64).alias("samples")
    rows = deals.group_by(part).agg(samples, *_MEANS, *_ERRORS).sort(part)
    return {row[part]: row for row in rows.iter_rows(named=True)}


def _summary(row: Mapping[str, float]) -> Summary:
    return Summary.model_validate({name: row[name] for name in Summary.model_fields})


def _intervals(row: Mapping[str, float | None]) -> Intervals:
    found = {name: (row[name], row[f"error of {name}"]) for name in _RATIOS}
    return {
        name: (mean - _INTERVAL * error, mean + _INTERVAL * error)
        for name, (mean, error) in found.items()
        if mean is not None and error is not None
    }


class Difference(BaseModel):
    """The q_gap of one player minus that of another on the same states, points: below 0, the first plays better.

    low, high  its 95 % interval over deals
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float
    low: float
    high: float


def difference(one: DealSums, other: DealSums) -> Difference:
    """How much more q_gap one player has than another on the same states; their deals must be the same.

    The states of a deal are hard or easy for both, so the difference is known better than either of the two.
    """
    if (one.seeds, one.states) != (other.seeds, other.states):
        raise InputError.of(
            got="two players who were measured on different states",
            expected="the same deals and as many states of each",
            remedy="evaluate both with the same settings",
        )
    frame = pl.DataFrame({"more": np.subtract(one.regret, other.regret), "one": np.asarray(one.states, np.float64)})
    mean, error = frame.select(pl.col("more").sum() / pl.col("one").sum(), _error("more", "one").alias("error")).row(0)
    reach = np.inf if error is None else _INTERVAL * error
    return Difference(mean=mean, low=mean - reach, high=mean + reach)
