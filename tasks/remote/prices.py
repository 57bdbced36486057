"""What a second of a container costs: GPU, cores and memory."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from configs.modal import GpuName
from tasks.stage import Machine

PER_GPU: Mapping[GpuName, float] = {
    "T4": 0.000164,
    "L4": 0.000222,
    "A10": 0.000306,
    "L40S": 0.000542,
    "A100-40GB": 0.000583,
    "A100-80GB": 0.000694,
    "H100": 0.001097,
    "H100!": 0.001097,
    "H200": 0.001261,
    "B200": 0.001736,
}
PER_CORE = 0.0000131
PER_GIB = 0.00000222
"""US dollars a second as Modal published them in 2026: a GPU, a physical core, a GiB of memory."""

_UNLIKE = 4.0  # a rate that differs by more than this factor is in another unit, or of another thing


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a second, and where they are from."""

    gpu: Mapping[GpuName, float]
    core: float
    gib: float
    source: str

    def second(self, machine: Machine, gpu: GpuName | None) -> float:
        """A second of a container, on a GPU or without one."""
        return (self.gpu[gpu] if gpu else 0.0) + machine.cores * self.core + machine.memory * self.gib

    def corrected(self, rates: Mapping[str, float]) -> "Prices":
        """These prices with those that Modal's own list names in their place.

        Names and units of that list are Modal's affair: what is not recognised, or is off by more than a factor of
        four, is left as published.
        """
        named = {re.sub("[^a-z0-9]", "", name.lower()): rate for name, rate in rates.items()}

        def rate(published: float, *names: str) -> float:
            found = [value for name, value in named.items() if name in names]
            return found[0] if found and abs(math.log(found[0] / published)) < math.log(_UNLIKE) else published

        gpus = {gpu: rate(price, *_aliases(gpu)) for gpu, price in self.gpu.items()}
        core, gib = rate(self.core, "cpu", "cpucore", "core"), rate(self.gib, "memory", "memorygib", "mem")
        changed = (gpus, core, gib) != (self.gpu, self.core, self.gib)
        return replace(self, gpu=gpus, core=core, gib=gib, source="Modal's list of today") if changed else self


PUBLISHED = Prices(PER_GPU, PER_CORE, PER_GIB, "Modal's prices as published in 2026")


def _aliases(gpu: GpuName) -> tuple[str, str]:
    name = re.sub("[^a-z0-9]", "", gpu.lower())
    return name, f"gpu{name}"
