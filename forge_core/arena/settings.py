"""What a match is: everything that changes its result, and nothing else; and what a person asks for."""

from enum import StrEnum
from itertools import combinations, pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from forge_core.arena.statistics import Sprt
from forge_core.bids.settings import BIDDER_FORMS


def _chosen(forms: tuple[str, ...]) -> WithJsonSchema:
    """In a form: a drop-down. Programs may give any text."""
    return WithJsonSchema({"type": "string", "enum": list(forms)})


_USUAL = (
    *("pimc:worlds=50", "pimc:worlds=50,objective=points", "pimc:worlds=200", "model:champion,worlds=10"),
    *("seat:champion", "rollout:worlds=50", "weighted:worlds=500", "level1", "cheat", "highest", "random"),
)
PlayerText = Annotated[str, _chosen(_USUAL)]
BidderText = Annotated[str, _chosen(BIDDER_FORMS)]


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
    bidders: tuple[str, str] | None = Field(
        default=None, description="Whole games to seven marks, with A's and B's bidder; none = contracts at the bid."
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


class Contest(BaseModel):
    """Two players for a match; more play everyone against everyone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    players: tuple[PlayerText, ...] = Field(default=(), description="The players: two for a match.")
    others: tuple[str, ...] = Field(default=(), description="More players, by text, as in pimc:worlds=20.")
    bid: int = Field(default=30, ge=30, le=42, description="Points that the declaring team needs.")
    declare: Declare = Field(
        default=Declare.BEST_PIP,
        description="best-pip: most dominoes, the double, then pips; fixed: the seed modulo ten; own: the player's.",
    )
    games: bool = Field(default=False, description="Whole games to seven marks, two a seed, instead of contracts.")
    bidders: tuple[BidderText, ...] = Field(
        default=("pass",), min_length=1, max_length=2, description="Who bids in games: one for all, or A's and B's."
    )
    sprt: str = Field(
        default="",
        pattern=r"^(0?\.\d+:0?\.\d+)?$",
        description="Stop when decided: A's share of the discordant pairs is the one or the other, as 0.5:0.55.",
    )

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if len(self.everyone) < 2:
            raise ValueError("a contest needs two players or more")
        if len(self.everyone) > 2 and (self.games or self.sprt):
            raise ValueError("games and the sequential test are for two players")
        if self.games and self.sprt:
            raise ValueError("the sequential test is for contracts")
        _ = self.test
        return self

    @property
    def everyone(self) -> tuple[str, ...]:
        """All players by text."""
        return self.players + self.others

    @property
    def test(self) -> Sprt | None:
        """The sequential test."""
        if not self.sprt:
            return None
        null, alternative = (float(share) for share in self.sprt.split(":"))
        if null == alternative or not 0 < min(null, alternative) < max(null, alternative) < 1:
            raise ValueError("the sequential test needs two different shares between 0 and 1, as 0.5:0.55")
        return Sprt(null, alternative)

    def matches(self) -> dict[tuple[int, int], MatchSettings]:
        """The matches by the numbers of their two players, the first of them being A."""
        bidders = (self.bidders[0], self.bidders[-1]) if self.games else None
        return {
            (i, j): MatchSettings(
                a=self.everyone[i], b=self.everyone[j], bid=self.bid, declare=self.declare, bidders=bidders
            )
            for i, j in combinations(range(len(self.everyone)), 2)
        }
