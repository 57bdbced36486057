"""The settings of bidding: everything that changes what a matrix comes out as, and nothing else."""

from pydantic import BaseModel, ConfigDict, Field

BIDDER_FORMS = ("pass", "expected", "fixed:30", "points")
"""What the text of a bidder looks like (see `forge_core.bids.bidders`)."""


class BidSettings(BaseModel):
    """How the chances of a hand are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(
        default=500, ge=1, le=1_000_000, description="Worlds that are valued with all hands open, per declaration."
    )
    playouts: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Hands that are played out by seats that see one hand, per declaration.",
    )
    seat_model: str = Field(
        default="pimc:worlds=2", description="Who plays them: a player that sees one hand, by text (see `forge arena`)."
    )
    play_for: int = Field(
        default=30,
        ge=30,
        le=42,
        description="The bid that the seats of a playout play for and against; other bids are read off the same hands.",
    )
