"""The settings of tokenizing."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.errors import InputError
from forge_core.seeds import Seed


class TokenSettings(BaseModel):
    """Which states of the shards become samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples_per_shard: int | None = Field(
        default=None, ge=1, description="At most this many samples of a shard, drawn at random; none = all."
    )
    fewest_plays_left: int = Field(
        default=1, ge=1, le=28, description="Only states with at least this many plays left."
    )
    most_plays_left: int = Field(default=28, ge=1, le=28, description="Only states with at most this many plays left.")
    drop_forced: bool = Field(default=False, description="Leave out the states in which only one play is legal.")
    keep_forced: float = Field(
        default=1.0, ge=0, le=1, description="Share of the states with one legal play that is kept, drawn at random."
    )
    keep_followers: float = Field(
        default=1.0, ge=0, le=1, description="Share of the states within a trick that is kept; leads are all kept."
    )
    seed: Seed = Field(default=0, description="Keys the random draws of samples.")

    @model_validator(mode="after")
    def _leave_some(self) -> Self:
        if self.fewest_plays_left > self.most_plays_left:
            raise InputError.of(
                got=f"fewest plays left {self.fewest_plays_left} and most {self.most_plays_left}",
                expected="the fewest not above the most",
                remedy="exchange them",
            )
        return self
