"""What a match says: rates, discordant pairs, marks, and one sentence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from forge_core.arena.match import Block, Effort
from forge_core.arena.settings import MatchSettings
from forge_core.arena.statistics import Sprt, bootstrap_mean, mcnemar_p, mcnemar_z, pairs_needed
from forge_core.intervals import Interval, wilson

_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """One player of a match.

    made                  contracts it made as the declarer, with the rate and its 95 % interval (Wilson)
    only                  deals in which it made the contract and the other, declaring the same, did not
    points                mean points banked when the contract was decided, over both roles
    seconds_a_decision    wall-clock
    forfeits              contracts it forfeited
    """

    name: str
    made: int
    make_rate: float
    make_interval: Interval
    only: int
    points: float
    seconds_a_decision: float
    forfeits: int


@dataclass(frozen=True, slots=True)
class MatchResult:
    """A match of `pairs` deals, each played twice.

    p, z             McNemar's exact p (two-sided) and normal z; z > 0 when A is ahead
    marks            marks a contract that A wins of B; its interval is a bootstrap over deals
    sprt             what the sequential test decided and after how many discordant pairs, when one was asked for
    """

    pairs: int
    a: Side
    b: Side
    p: float
    z: float
    marks: float
    marks_interval: Interval
    verdict: str
    sprt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what the clock said is kept apart under "timing"."""
        values = asdict(self)
        timing = {side: values[side].pop("seconds_a_decision") for side in ("a", "b")}
        return values | {"timing": {"seconds_a_decision": timing}}


def result_of(blocks: Sequence[Block], settings: MatchSettings, *, sprt: Sprt | None = None) -> MatchResult:
    """The result of the blocks played so far. With a sequential test, of the deals up to its decision."""
    contracts = pl.concat([block.contracts for block in blocks])
    made = contracts["made"].to_numpy().reshape(-1, 2)
    decided = None
    if sprt is not None:
        discordant = np.flatnonzero(made[:, 0] != made[:, 1])
        decided = sprt.decide(made[discordant, 0])
        if decided is not None:
            pairs = int(discordant[decided[1] - 1]) + 1
            made, contracts = made[:pairs], contracts.head(2 * pairs)
    n = len(made)
    only_a, only_b = int((made[:, 0] & ~made[:, 1]).sum()), int((made[:, 1] & ~made[:, 0]).sum())
    efforts = [Effort(0.0, 0), Effort(0.0, 0)]
    for block in blocks:
        efforts = [effort.plus(other) for effort, other in zip(efforts, block.effort, strict=True)]
    a = _side("a", settings.a, contracts, only_a, efforts[0])
    b = _side("b", settings.b, contracts, only_b, efforts[1])
    marks = made[:, 0].astype(float) - made[:, 1]
    p = mcnemar_p(only_a, only_b)
    return MatchResult(
        pairs=n,
        a=a,
        b=b,
        p=p,
        z=mcnemar_z(only_a, only_b),
        marks=float(marks.mean()),
        marks_interval=bootstrap_mean(marks),
        verdict=_verdict(a, b, p, n),
        sprt=None if sprt is None else _sprt_words(sprt, decided, a),
    )


def _side(side: str, name: str, contracts: pl.DataFrame, only: int, effort: Effort) -> Side:
    mine = contracts.filter(pl.col("declarer") == side)
    theirs = contracts.filter(pl.col("declarer") != side)
    made = int(mine["made"].sum())
    points = pl.concat([mine["points"], theirs["points_against"]]).mean()
    forfeits = mine.filter(pl.col("forfeit").is_not_null() & ~pl.col("made")).height
    forfeits += theirs.filter(pl.col("forfeit").is_not_null() & pl.col("made")).height
    return Side(
        name=name,
        made=made,
        make_rate=made / mine.height,
        make_interval=wilson(made, mine.height),
        only=only,
        points=float(points) if isinstance(points, int | float) else 0.0,
        seconds_a_decision=effort.seconds / max(1, effort.decisions),
        forfeits=forfeits,
    )


def _verdict(a: Side, b: Side, p: float, pairs: int) -> str:
    better, worse, letter = (a, b, "A") if a.only >= b.only else (b, a, "B")
    counts = f"{better.only} contracts that only {letter} made against {worse.only}, p = {p:.2g}"
    if p <= _ALPHA:
        return f"{letter} is stronger: {better.name} beats {worse.name}, {counts}."
    needed = pairs_needed(a.only, b.only, pairs)
    if needed is None:
        return f"Not told apart by {pairs:,} pairs: neither is ahead."
    return f"Not told apart by {pairs:,} pairs: {counts}; about {needed:,} would be needed for this difference."


def _sprt_words(sprt: Sprt, decided: tuple[str, int] | None, a: Side) -> str:
    rule = f"A's share of discordant pairs {sprt.null:g} or {sprt.alternative:g}, errors of at most {sprt.error:.0%}"
    if decided is None:
        return f"open: {rule}"
    share = sprt.null if decided[0] == "null" else sprt.alternative
    return f"{share:g} after {decided[1]} discordant pairs: {rule}"
