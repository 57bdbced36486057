"""The settings of shard generation."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from forge_core.shards.strategy import Strategy, mixture_text


class Keep(StrEnum):
    """What a shard keeps of a solved deal.

    samples  some states with V and q0..q6
    table    the states between tricks with V, from which V and q of every other state come back
    all      every reachable state with V and q0..q6
    """

    SAMPLES = "samples"
    TABLE = "table"
    ALL = "all"


class ShardSettings(BaseModel):
    """What is kept of a solved deal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: Keep = Field(
        default=Keep.SAMPLES,
        description="samples: some states with their values. table: the states between tricks, from which all values "
        "come back. all: every state with its values (about 40 MB a deal).",
    )
    states_per_deal: int = Field(
        default=50_000,
        ge=1,
        le=10_000_000,
        description="At most this many different states of a deal are sampled (for samples).",
    )
    strategy: str = Field(
        default=Strategy.UNIFORM.value,
        description="Which states are sampled: uniform, by_depth, played, or a mixture such as 'uniform=2,played=1'.",
    )
    epsilon: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The chance that a player of the strategy 'played' plays any legal slot instead of a best one.",
    )
    max_states: int | None = Field(
        default=None,
        ge=1,
        description="Deals with more reachable states than this are skipped; none = no deal is too large.",
    )

    @field_validator("strategy")
    @classmethod
    def _canonical(cls, text: str) -> str:
        return mixture_text(text)
