"""The settings of the whole pipeline, and the presets that fill them in."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.arena.settings import Deals, MatchSettings
from forge_core.errors import InputError
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.settings import TrainSettings
from forge_core.rules.deal import check_seed
from forge_core.seeds import Seed
from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings

OracleName = Literal["exact", "model"]
TRAINED = "trained"
"""What players call the network of the run that they play in."""


class SeedRange(BaseModel):
    """A run of seeds. The split of a seed is fixed by seed % 1000: 0-899 train, 900-949 val, 950-999 test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Seed = Field(default=0, description="The first seed.")
    count: int = Field(ge=1, le=1_000_000, description="How many seeds.")

    @model_validator(mode="after")
    def _within(self) -> Self:
        check_seed(self.start + self.count - 1, "last seed")
        return self

    def seeds(self) -> range:
        """The seeds themselves."""
        return range(self.start, self.start + self.count)


class SeedSeries(BaseModel):
    """Seeds whose files a folder is to hold, made where they are missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Seed = Field(default=0, description="The first seed.")
    count: int | None = Field(default=None, ge=1, description="How many seeds; none = on and on.")
    limit: int | None = Field(default=None, ge=1, description="Make at most this many files; none = all.")

    @model_validator(mode="after")
    def _within(self) -> Self:
        check_seed(self.start + (self.count or 1) - 1, "last seed")
        return self

    def seeds(self) -> Iterable[int]:
        """The seeds themselves; endless without a count."""
        return itertools.count(self.start) if self.count is None else range(self.start, self.start + self.count)

    @property
    def most(self) -> int | None:
        """How many files are made at most; None = there is no end."""
        ends = (self.limit, None if self.count is None else self.count * self._files_a_seed())
        return min((end for end in ends if end is not None), default=None)

    def _files_a_seed(self) -> int:
        return 1


class DealSeries(SeedSeries):
    """Deals whose shards a folder is to hold, made where they are missing."""

    mode: DealMode = Field(
        default=DealMode.STANDARD,
        description="standard: a seed's deal under the declaration seed % 10. all-declarations: under all ten. "
        "marginalized: seat 0 keeps the seed's hand, opponent seeds deal the rest.",
    )
    opponent_seeds: int = Field(
        default=3, ge=1, le=10_000, description="How often the rest is dealt to each hand (for marginalized)."
    )

    def requests(self) -> Iterator[DealRequest]:
        """The deals themselves."""
        return deal_requests(self.seeds(), self.mode, opponent_seeds=self.opponent_seeds)

    def _files_a_seed(self) -> int:
        return len(list(deal_requests([self.start], self.mode, opponent_seeds=self.opponent_seeds)))


class PipelineSettings(BaseModel):
    """Everything that decides what the pipeline makes, stage by stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deals: tuple[SeedRange, ...] = Field(min_length=1, description="The deals to solve; declaration = seed % 10.")
    shards: ShardSettings = Field(default_factory=ShardSettings, description="What is kept of a solved deal.")
    tokens: TokenSettings = Field(default_factory=TokenSettings, description="Which states become samples.")
    train: TrainSettings = Field(
        default_factory=lambda: TrainSettings.model_validate({}), description="The network and how it learns."
    )
    games: SeedRange = Field(default=SeedRange(count=10), description="The seeds of the E[Q] games.")
    oracle: OracleName = Field(default="exact", description="Values the plays of a world: the solver or the model.")
    expected_q: EqSettings = Field(default_factory=EqSettings, description="How E[Q] games are played.")
    match: MatchSettings = Field(
        default=MatchSettings(a=f"model:{TRAINED},worlds=10", b="pimc:worlds=10"),
        description=f"Who plays the match at the end; model:{TRAINED} is the network of this run.",
    )
    match_deals: Deals = Field(default=Deals(start=2_000_000, count=100), description="The deals of the match.")

    @model_validator(mode="after")
    def _open_hands(self) -> Self:
        if self.expected_q.rollout_exact is not None:
            raise InputError.of(
                got=f"rollout_exact {self.expected_q.rollout_exact} in a pipeline",
                expected="none: the network that it trains sees all hands, and plays no world to the end",
                remedy="leave it out, and play such games by `forge eq generate --oracle rollout`",
            )
        return self


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.yaml") if path.stem != "logging")


def load_preset(name: str) -> PipelineSettings:
    """A preset by its name; InputError when there is none of that name."""
    if name not in preset_names():
        raise InputError.of(
            got=f"the preset {name!r}", expected="one of " + ", ".join(preset_names()), remedy="choose one of these"
        )
    return PipelineSettings.model_validate(yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text()))
