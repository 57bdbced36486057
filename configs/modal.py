"""Where work on Modal runs and what it may cost. None of it changes a result, so none of it is part of a key."""

from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from forge_core.errors import InputError

APP = "crystal-forge"
VOLUME = "crystal-forge"
"""The names of the App and of its Volume in the user's Modal workspace."""

GpuName = Literal["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "H100", "H100!", "H200", "B200"]
GPUS: tuple[GpuName, ...] = get_args(GpuName)
"""The GPUs that may be asked for, cheapest first. "H100!" forbids Modal to give an H200 instead, for benchmarks."""


class Place(BaseModel):
    """Work on Modal: on which GPUs, how many at a time, for how long and for how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpus: tuple[GpuName, ...] = Field(
        default=(), description="GPUs in order of preference: the first that can be had. None = processor cores."
    )
    max_containers: int = Field(default=8, ge=1, le=1000, description="Containers at a time, each with one GPU.")
    time_limit: int | None = Field(
        default=None,
        ge=10,
        le=86_400,
        description="Seconds that one input may take. None = half an hour for a block, a day for a training.",
    )
    retries: int = Field(default=2, ge=0, le=10, description="How often an input that failed is tried again.")
    budget: float | None = Field(
        default=None,
        gt=0,
        description="US dollars that may be spent: containers and time limits are chosen so that it is never more. "
        "None = no such limit.",
    )
    agreed: bool = Field(default=False, description="The cost is agreed to: do not ask before starting.")

    @classmethod
    def parse(cls, text: str, **options: Any) -> Self:
        """The place that "modal", "modal:H100" or "modal:L4,T4" names; InputError for anything else."""
        where, _, names = text.partition(":")
        if where != "modal":
            raise InputError.of(got=f"--on {text}", expected="modal or modal:GPU", remedy="write it as --on modal:T4")
        gpus = tuple(name.strip() for name in names.upper().split(",")) if names else ()
        for name in gpus:
            if name not in GPUS:
                raise InputError.of(got=f"the GPU {name!r}", expected=f"one of {', '.join(GPUS)}", remedy="choose one")
        return cls.model_validate({"gpus": gpus, **options})

    @property
    def name(self) -> str:
        """As it is typed: "modal" or "modal:L4,T4"."""
        return "modal:" + ",".join(self.gpus) if self.gpus else "modal"
