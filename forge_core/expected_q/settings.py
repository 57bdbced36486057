"""The settings of E[Q]: everything that changes what a decision or a game comes out as, and nothing else."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.errors import InputError

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class Objective(StrEnum):
    """What a mover maximises."""

    POINTS = "points"
    MAKE = "make"


class ExplorationMode(StrEnum):
    """How the play is chosen once the plays are valued."""

    GREEDY = "greedy"
    EPSILON_GREEDY = "epsilon_greedy"
    BOLTZMANN = "boltzmann"
    MIXED = "mixed"


class PosteriorSettings(BaseModel):
    """Weights of worlds by how likely the other seats' last plays are in them."""

    model_config = _FROZEN

    enabled: bool = Field(
        default=False, description="Weight worlds by the plays made in them; otherwise all weigh the same."
    )
    window: int = Field(
        default=4, ge=1, le=27, description="How many of the last plays are scored; the mover's own are not."
    )
    tau: float = Field(
        default=20.0,
        gt=0,
        le=1000,
        description="Temperature in points of the softmax over advantages; bench/posterior_tau.",
    )
    mix: float = Field(
        default=0.1, ge=0, le=1, description="Share of plays taken to be uniformly random over the legal ones."
    )
    log_clip: float = Field(
        default=30.0, gt=0, le=700, description="Log weights this far below the largest are raised to it."
    )
    min_ess: float = Field(
        default=8.0,
        ge=1,
        description="Below this effective sample size drawn worlds get uniform weight mixed in, and a flag.",
    )


class AdaptiveSettings(BaseModel):
    """Sampling in batches until the estimates are good enough."""

    model_config = _FROZEN

    enabled: bool = Field(default=False, description="Draw batches until the largest SEM is at the threshold.")
    min_samples: int = Field(default=50, ge=2, le=1_000_000, description="Worlds in the first batch.")
    batch_samples: int = Field(default=50, ge=1, le=1_000_000, description="Worlds in every further batch.")
    max_samples: int = Field(
        default=2000, ge=2, le=1_000_000, description="Worlds after which sampling stops regardless."
    )
    sem_threshold: float = Field(
        default=0.5, gt=0, description="The SEM in points at which a decision counts as converged."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_samples < self.min_samples:
            raise InputError.of(
                got=f"max_samples {self.max_samples} under min_samples {self.min_samples}",
                expected="at least as many at most as at least",
                remedy="raise max_samples",
            )
        return self


class ExplorationSettings(BaseModel):
    """How often, and how far, a game leaves the best play."""

    model_config = _FROZEN

    mode: ExplorationMode = Field(
        default=ExplorationMode.GREEDY, description="greedy, epsilon_greedy, boltzmann or mixed."
    )
    epsilon: float = Field(
        default=0.05, ge=0, le=1, description="Share of uniformly random plays (epsilon_greedy, mixed)."
    )
    temperature: float = Field(
        default=3.0,
        gt=0,
        le=1000,
        description="Of the softmax (boltzmann, mixed): points, or percent of P(make) under make.",
    )
    blunder_rate: float = Field(
        default=0.02, ge=0, le=1, description="Share of plays that are not the best on purpose (mixed)."
    )
    blunder_max_regret: float = Field(default=5.0, ge=0, le=84, description="Largest regret in points of such a play.")


class EqSettings(BaseModel):
    """How decisions are valued and games are played."""

    model_config = _FROZEN

    n_worlds: int = Field(default=50, ge=2, le=1_000_000, description="Worlds drawn for a decision when not adaptive.")
    enumerate_up_to: int = Field(
        default=20_000, ge=0, le=5_000_000, description="Take every world, once, where there are no more than this."
    )
    bid: int | None = Field(
        default=None, ge=30, le=42, description="The bid in points of seat 0's team; P(make) needs one."
    )
    objective: Objective = Field(
        default=Objective.POINTS, description="Play for points, or for (against) making the bid."
    )
    rollout_exact: int | None = Field(
        default=None,
        ge=0,
        le=6,
        description="With a seat network as oracle, which plays every world to the end with hands hidden: the last "
        "tricks that are exact; none = an oracle that opens all hands.",
    )
    posterior: PosteriorSettings = Field(default=PosteriorSettings(), description="Weights of worlds.")
    adaptive: AdaptiveSettings = Field(default=AdaptiveSettings(), description="Sampling until converged.")
    exploration: ExplorationSettings = Field(default=ExplorationSettings(), description="How the play is chosen.")

    @model_validator(mode="after")
    def _hidden_or_weighted(self) -> Self:
        if self.rollout_exact is not None and self.posterior.enabled:
            raise InputError.of(
                got="rollouts with posterior weights",
                expected="one of both: these weights come from values with all hands open",
                remedy="leave posterior or rollout_exact out",
            )
        return self

    @model_validator(mode="after")
    def _bid_for_make(self) -> Self:
        if self.objective is Objective.MAKE and self.bid is None:
            raise InputError.of(
                got="the objective make without a bid", expected="a bid of 30-42 points", remedy="give the bid"
            )
        return self
