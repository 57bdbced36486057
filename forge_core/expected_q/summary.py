"""What a run of games looked like: how sure its estimates were, play by play, as numbers and as plots."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from forge_core.errors import EmptySplit
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import N_PLAYS


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Games of one run; arrays have one entry a play (0-27).

    games         how many
    sem           mean over the games of the largest SEM over the legal slots, points
    ess_share     mean of the effective sample size over the worlds valued
    exact_share   share of the decisions in which every world was valued
    low_ess       share of the decisions whose effective sample size was too low
    converged     share of the decisions that converged
    q_gap         mean of the E[Q] given up a decision, points
    margin        mean of the final points of seats 0 and 2 minus those of 1 and 3
    """

    games: int
    sem: Float64[np.ndarray, "28"]
    ess_share: Float64[np.ndarray, "28"]
    exact_share: Float64[np.ndarray, "28"]
    low_ess: float
    converged: float
    q_gap: float
    margin: float

    def metrics(self) -> dict[str, float]:
        """Single numbers, for tracking."""
        return {
            "games": float(self.games),
            "sem_mean": float(self.sem.mean()),
            "ess_share_mean": float(self.ess_share.mean()),
            "exact_share": float(self.exact_share.mean()),
            "low_ess_share": self.low_ess,
            "converged_share": self.converged,
            "q_gap": self.q_gap,
            "margin": self.margin,
        }


def summarize(games: Iterable[Game]) -> RunSummary:
    """Summarise games; they are looked at one at a time. EmptySplit when there is none."""
    names = ("sem", "ess_share", "exact", "low_ess", "converged", "q_gap")
    sums = {name: np.zeros(N_PLAYS) for name in names}
    n, margin = 0, 0.0
    for game in games:
        columns = game.columns
        sems = np.where(np.isfinite(columns["e_q_sem"]), columns["e_q_sem"], 0.0)
        sums["sem"] += sems.max(axis=1)
        sums["ess_share"] += columns["ess"] / columns["n_samples"]
        for name in ("exact", "low_ess", "converged", "q_gap"):
            sums[name] += columns[name]
        margin += float(columns["outcome"][0])  # seat 0 leads, and nothing is won before
        n += 1
    if n == 0:
        raise EmptySplit.of(got="no game", expected="at least one", remedy="generate games first")
    mean = {name: total / n for name, total in sums.items()}
    return RunSummary(
        games=n,
        sem=mean["sem"],
        ess_share=mean["ess_share"],
        exact_share=mean["exact"],
        low_ess=float(mean["low_ess"].mean()),
        converged=float(mean["converged"].mean()),
        q_gap=float(mean["q_gap"].mean()),
        margin=margin / n,
    )
