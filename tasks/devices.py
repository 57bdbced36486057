"""Where deals are solved, on the CPU or on a CUDA device, and on how many devices networks are trained."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Literal

from forge_core.errors import InputError
from forge_core.learn.hardware import ONE_DEVICE, Hardware
from tasks.elsewhere import elsewhere

if TYPE_CHECKING:
    from forge_core.solver.gpu import Device

logger = logging.getLogger(__name__)

DeviceName = Literal["auto", "cpu", "cuda"]

_hardware: ContextVar[Hardware] = ContextVar("hardware", default=ONE_DEVICE)


@contextmanager
def train_on(wanted: Hardware) -> Generator[None]:
    """Networks trained in the block are trained on this hardware.

    Raises InputError when it is not that of a place on Modal, which has one device.
    """
    if elsewhere() and wanted != ONE_DEVICE:
        raise InputError.of(
            got=f"{wanted.devices} devices with the strategy {wanted.strategy}, on Modal",
            expected="one device, which is what a container has",
            remedy="leave out --devices and --strategy, or --on",
        )
    token = _hardware.set(wanted)
    try:
        yield
    finally:
        _hardware.reset(token)


def hardware() -> Hardware:
    """What networks are trained on."""
    return _hardware.get()


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
