"""Advice for one decision of a real game: what each legal play is worth to the seat that asks."""

from dataclasses import dataclass

import numpy as np

from forge_core.expected_q.decision import run_coroutine, value_plays
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import Oracle
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.streams import Purpose, stream
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import domino_name

MOST_WORLDS = 1_000_000
"""The most worlds that are valued one by one when all are asked for."""


@dataclass(frozen=True, slots=True)
class PlayAdvice:
    """One legal play.

    domino       its id
    mean         expected points to go, own team minus the other
    variance     of the points over the worlds
    sem          standard error of the mean; 0 when every world was taken, inf when one world has all the weight
    p_make       probability that the first leader's team makes the bid; None without a bid
    best_share   share of the worlds in which no other play is better
    """

    domino: int
    mean: float
    variance: float
    sem: float
    p_make: float | None
    best_share: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What `forge advise` tells.

    worlds     how many worlds are consistent with what the seat knows
    used       how many were valued
    exact      whether these are all of them
    ess        effective sample size of their weights
    converged  whether every SEM is at most the settings' threshold
    plays      the legal plays, the best first
    """

    worlds: int
    used: int
    exact: bool
    ess: float
    converged: bool
    plays: tuple[PlayAdvice, ...]

    def as_json(self) -> dict[str, object]:
        """Plain values for JSON: {"worlds", "used", "exact", "plays": [{"domino", "mean", ...}]}."""
        return {
            "worlds": self.worlds,
            "used": self.used,
            "exact": self.exact,
            "plays": [
                {
                    "domino": domino_name(play.domino),
                    "mean": play.mean,
                    "variance": play.variance,
                    "sem": play.sem if np.isfinite(play.sem) else None,
                    "p_make": play.p_make,
                    "best_share": play.best_share,
                }
                for play in self.plays
            ],
        }


def advise(
    info: InformationSet, oracle: Oracle, settings: EqSettings, *, seed: int = 0, every_world: bool = False
) -> Advice:
    """Value the legal plays of an information set; `seed` keys the draw of the worlds.

    With `every_world` none is drawn: all are valued, up to `MOST_WORLDS`, InputError when there are more.
    RecordError, naming the play, when the record refutes itself.
    """
    if every_world:
        settings = settings.model_copy(update={"enumerate_up_to": Worlds.of(info).at_most(MOST_WORLDS)})
    rng = stream(seed, Purpose.WORLDS, len(info.record.plays))
    valuation = run_coroutine(value_plays(info, settings, rng), oracle)
    values, slots = valuation.estimate, info.original_hand
    plays = [
        PlayAdvice(
            domino=slots[slot],
            mean=float(values.mean[slot]),
            variance=float(values.variance[slot]),
            sem=float(values.sem[slot]),
            p_make=None if np.isnan(values.p_make[slot]) else float(values.p_make[slot]),
            best_share=float(values.best_share[slot]),
        )
        for slot in np.flatnonzero(values.legal)
    ]
    return Advice(
        worlds=valuation.n_worlds,
        used=valuation.n_samples,
        exact=valuation.exact,
        ess=valuation.weights.ess,
        converged=valuation.converged,
        plays=tuple(sorted(plays, key=lambda play: -play.mean)),
    )
