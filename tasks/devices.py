"""Where deals are solved and networks trained: on the CPU or on a CUDA device, and on how many."""

import logging
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from forge_core.learn.settings import StrategyName

if TYPE_CHECKING:
    from forge_core.solver.gpu import Device

logger = logging.getLogger(__name__)

DeviceName = Literal["auto", "cpu", "cuda"]


@cache
def choose_device(name: DeviceName) -> "Device | None":
    """The CUDA device, or None for the CPU; "auto" takes a CUDA device where there is one and logs what it chose.

    Raises InputError when "cuda" is asked for and there is none.
    """
    if name == "cpu":
        return None
    from forge_core.solver.gpu import cuda_device, has_cuda

    if name == "auto" and not has_cuda():
        logger.info("%-12s cpu (no CUDA device here)", "device")
        return None
    device = cuda_device()
    logger.info("%-12s cuda (%s)", "device", device.name)
    return device


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
