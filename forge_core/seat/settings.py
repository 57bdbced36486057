"""The settings of a seat network and of its training: everything that changes what comes out of it."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from forge_core.seeds import Seed

SeatNetworkName = Literal["mlp", "transformer"]
SeatSize = Literal["tiny", "small", "medium"]


class SeatArchitecture(BaseModel):
    """The shape of a seat network; with its weights it is the whole model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: SeatNetworkName = Field(description="Residual MLP, or transformer over the 28 dominoes and the state.")
    width: int = Field(ge=8, le=4096, description="Width of the residual stream.")
    layers: int = Field(ge=1, le=64, description="Residual blocks of the MLP, or encoder layers.")
    heads: int = Field(default=1, ge=1, le=64, description="Attention heads; the MLP has one in name.")
    play_width: int = Field(default=12, ge=1, le=256, description="Numbers that the network says of each domino.")
    state_width: int = Field(default=48, ge=1, le=1024, description="Numbers that it says of the whole state.")


SIZES: dict[tuple[SeatNetworkName, SeatSize], SeatArchitecture] = {
    ("mlp", "tiny"): SeatArchitecture(network="mlp", width=96, layers=1),
    ("mlp", "small"): SeatArchitecture(network="mlp", width=256, layers=2),
    ("mlp", "medium"): SeatArchitecture(network="mlp", width=384, layers=2),
    ("transformer", "tiny"): SeatArchitecture(network="transformer", width=48, layers=2, heads=4),
    ("transformer", "small"): SeatArchitecture(network="transformer", width=128, layers=4, heads=8),
    ("transformer", "medium"): SeatArchitecture(network="transformer", width=256, layers=6, heads=8),
}
"""The presets of both networks."""


class SeatSettings(BaseModel):
    """One training of a seat network. An epoch is some fresh deals, played by the network as it then is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: SeatNetworkName = Field(default="mlp", description="mlp for CPUs, transformer for GPUs.")
    size: SeatSize = Field(default="medium", description="tiny, small or medium.")
    epochs: int = Field(
        default=100, ge=1, le=1_000_000, description="Epochs; the learning rate ends with the last one."
    )
    games_per_epoch: int = Field(default=4096, ge=4, le=1_000_000, description="Deals played for each epoch.")
    playout_tricks: int = Field(
        default=0,
        ge=0,
        le=7,
        description="The first tricks whose plays are labelled by playing on with the network in all four seats, each "
        "seeing its own hand alone; in later tricks a label is exact, with all hands open.",
    )
    worlds: tuple[int, ...] = Field(
        default=(1, 1, 4, 12, 16, 16, 16),
        min_length=7,
        max_length=7,
        description="By trick, the worlds in which its decisions are labelled: so many drawn from those that the seat "
        "cannot tell apart, all where there are fewer; 1 = the deal as it is.",
    )
    opening_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of the opening leads that are labelled: they cost most."
    )
    exploration: float = Field(default=0.08, ge=0, le=1, description="Share of plays that are drawn at random.")
    best_pip_share: float = Field(
        default=0.7, ge=0, le=1, description="Share of the deals declared by the best pip; others by the seed."
    )
    thirty_share: float = Field(default=0.6, ge=0, le=1, description="Share of contracts at 30; others at 31 to 42.")
    batch_size: int = Field(default=1024, ge=2, le=1_048_576, description="Samples in a training step.")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Peak learning rate.")
    weight_decay: float = Field(default=0.01, ge=0, le=10, description="Of AdamW.")
    ema_decay: float = Field(default=0.999, ge=0, lt=1, description="Decay of the averaged weights that are kept.")
    make_weight: float = Field(
        default=4.0, ge=0, le=100, description="Weight of the differences of P(make) between a state's plays."
    )
    points_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the differences of the points between a state's plays."
    )
    belief_weight: float = Field(default=0.1, ge=0, le=100, description="Weight of who holds each unseen domino.")
    validation_games: int = Field(default=1000, ge=1, le=100_000, description="Deals of the val split looked at.")
    seed: Seed = Field(default=0, description="Keys the first weights, the exploration and the order of the samples.")
    first_seed: Seed = Field(default=0, description="Deals begin with the first train seed from here on.")

    @property
    def architecture(self) -> SeatArchitecture:
        """The shape of the network that the preset names."""
        return SIZES[self.network, self.size]

    def quick_check(self) -> Self:
        """The same run cut down to a few steps: every part of it works once, nothing is learned."""
        changes = {"epochs": 2, "games_per_epoch": 32, "batch_size": 128, "validation_games": 16}
        return self.model_copy(update=changes)


class SeatMatch(BaseModel):
    """The match that decides whether a seat network becomes the champion: mirrored contracts at 30.

    Wald's sequential test between two shares of the discordant pairs: as likely as not, or better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Seed = Field(default=5_000_000, description="The first deal; trainings use lower seeds.")
    deals: int = Field(default=4000, ge=1, le=10_000_000, description="Deals at most, each played twice.")
    null: float = Field(default=0.5, gt=0, lt=1, description="Share of the discordant pairs of one that is not better.")
    alternative: float = Field(default=0.55, gt=0, lt=1, description="Share of one that is.")
    error: float = Field(default=0.05, gt=0, lt=0.5, description="The chance to take one for the other, at most.")
    first_rival: str = Field(
        default="pimc:worlds=10,objective=points", description="Who is played against while there is no champion."
    )
