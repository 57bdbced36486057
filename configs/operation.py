"""The settings of what runs by itself, and of what runs for days."""

import math
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.errors import InputError
from forge_core.rules.deal import check_seed
from forge_core.seeds import Seed

_FROZEN = ConfigDict(frozen=True, extra="forbid")

What = Literal["shards", "tables", "games", "bids"]
Where = Literal["here", "cpu", "gpu"]

_MOST_BLOCKS = 999
_USUAL_BLOCK: dict[What, int] = {"shards": 1000, "tables": 1000, "games": 200, "bids": 20}
"""About a minute of work on two cores, so that what it takes to start a run does not count."""


class Backfill(BaseModel):
    """A range of seeds whose files a folder is to hold; what it lacks is made, block by block."""

    model_config = _FROZEN

    make: What = Field(
        default="shards",
        description="shards: sampled states. tables: value tables. games: E[Q] games. bids: what hands are worth.",
    )
    start: Seed = Field(default=0, description="The first seed.")
    end: int = Field(ge=1, description="The seed after the last.")
    limit: int | None = Field(
        default=None, ge=1, description="Make at most this many of the missing seeds; none = all."
    )
    folder: Path | None = Field(default=None, description="The folder to fill; none = data/ and what is made.")
    block: int | None = Field(
        default=None, ge=1, description="Seeds in a block; none = about a minute of work, and less than 1,000 blocks."
    )
    where: Where = Field(
        default="here", description="here: in this run's process. cpu, gpu: as runs on that work pool."
    )
    at_once: int = Field(default=2, ge=1, le=100, description="Blocks under way at once on a work pool.")
    attempts: int = Field(default=3, ge=1, le=20, description="How often a block that fails is tried.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise InputError.of(
                got=f"seeds from {self.start} to before {self.end}",
                expected="an end behind the start",
                remedy="raise the end",
            )
        check_seed(self.end - 1, "last seed")
        return self

    @property
    def seeds(self) -> range:
        """The seeds themselves."""
        return range(self.start, self.end)

    @property
    def place(self) -> Path:
        """The folder to fill, from the home folder if it is relative."""
        return self.folder or Path("data") / self.make

    @property
    def block_size(self) -> int:
        """Seeds in a block: the same for the same range, so that two backfills of it have the same blocks."""
        usual = _USUAL_BLOCK[self.make]
        return self.block or usual * math.ceil(len(self.seeds) / (usual * _MOST_BLOCKS))


class Growth(BaseModel):
    """How a data set grows by itself."""

    model_config = _FROZEN

    seeds: int = Field(default=1000, ge=1, description="How many of the missing seeds are made in a run.")
    enough: int = Field(default=10_000, ge=1, description="Seeds, from 0 on, with which the data set is complete.")
    folder: Path | None = Field(default=None, description="The data set's folder; none = data/ and what is made.")
    where: Where = Field(
        default="here", description="here: in this run's process. cpu, gpu: as runs on that work pool."
    )
    at_once: int = Field(default=2, ge=1, le=100, description="Blocks under way at once on a work pool.")

    def backfill(self, make: What) -> Backfill:
        """What a run has to make."""
        asked = self.model_dump(include={"folder", "where", "at_once"})
        return Backfill(make=make, end=self.enough, limit=self.seeds, **asked)
