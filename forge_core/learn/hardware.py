"""How many devices train a network, and how they share the work."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

StrategyName = Literal["auto", "ddp"]
"""Lightning's names: `ddp` is a process a device, each with the whole network and a share of every batch."""


class Hardware(BaseModel):
    """What a run trains on. It decides how fast, and no more than rounding of what is learned: no key knows of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default=1,
        description="GPUs, or processes on the CPU, that share each batch; auto: all GPUs that there are.",
    )
    strategy: StrategyName = Field(default="auto", description="auto: ddp on several devices, none on one.")


ONE_DEVICE = Hardware()
"""The GPU that comes first, or the CPU."""
