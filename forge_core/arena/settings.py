"""What a match is: everything that changes its result, and nothing else."""

from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field


class Declare(StrEnum):
    """Who calls which trumps."""

    BEST_PIP = "best-pip"
    FIXED = "fixed"
    OWN = "own"


class MatchSettings(BaseModel):
    """Mirrored contracts: each deal is played with A's team declaring against B's and the other way round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: str = Field(description="One player, by text.")
    b: str = Field(description="The other player.")
    bid: int = Field(default=30, ge=30, le=42, description="Points that the declaring team needs.")
    declare: Declare = Field(
        default=Declare.BEST_PIP,
        description="best-pip: most dominoes, the double, then pips; fixed: the seed modulo ten; own: the player's.",
    )


class Deals(BaseModel):
    """The deals of a match: consecutive seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(default=0, ge=0, description="The first seed.")
    count: int = Field(default=2000, ge=1, le=10_000_000, description="How many deals, each played twice.")

    def blocks(self, size: int) -> list[range]:
        """The seeds, `size` at a time, cut at the multiples of `size`, so that a longer match has the same blocks."""
        end = self.start + self.count
        cuts = [self.start, *range((self.start // size + 1) * size, end, size), end]
        return [range(a, b) for a, b in pairwise(cuts)]
