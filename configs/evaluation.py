"""The settings of an evaluation: on which states models are measured."""

from itertools import count, islice
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.split import Split, split_of
from forge_core.shards.strategy import Strategy


class EvaluationSettings(BaseModel):
    """States that no network learns from: of the first deals of a split, sampled by one strategy after the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Literal[Split.VAL, Split.TEST] = Field(default=Split.TEST, description="val to choose by, test to report.")
    strategies: tuple[Strategy, ...] = Field(
        default=tuple(Strategy),
        min_length=1,
        description="How states are sampled; each gives states and metrics of its own.",
    )
    deals: int = Field(default=500, ge=2, le=100_000, description="Deals of the split; intervals are over them.")
    states_per_deal: int = Field(default=1000, ge=1, le=1_000_000, description="States of a deal for each strategy.")

    def quick(self) -> Self:
        """The same with a few thousand states."""
        return self.model_copy(update={"deals": 20, "states_per_deal": 100})

    def seeds(self) -> list[int]:
        """The seeds of the deals, ascending; the declaration is seed % 10."""
        return list(islice((seed for seed in count() if split_of(seed) is self.split), self.deals))

    def shards(self, strategy: Strategy) -> ShardSettings:
        """What is kept of a deal for a strategy."""
        return ShardSettings(keep=Keep.SAMPLES, states_per_deal=self.states_per_deal, strategy=strategy.value)


DEFAULT = EvaluationSettings()
"""What the figures of the catalog are measured on."""
