"""The settings of shard generation."""

from pydantic import BaseModel, ConfigDict, Field


class ShardSettings(BaseModel):
    """What is kept of a solved deal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    states_per_deal: int = Field(
        default=50_000,
        ge=1,
        le=10_000_000,
        description="At most this many different states of a deal are sampled into its shard.",
    )
