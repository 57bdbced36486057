"""Where deals are solved: on the CPU or on a CUDA device."""

import logging
from functools import cache
from typing import TYPE_CHECKING, Literal

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
