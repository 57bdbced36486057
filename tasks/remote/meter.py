"""What a run has cost so far, by estimate, and whether its budget is used up."""

import time
from dataclasses import dataclass, field

IDLE = 10
"""Seconds that a container waits for another input before it ends, which are paid for as well."""


@dataclass(slots=True)
class Meter:
    """An estimate that is never too low: every input under way counts as a container, up to the most there may be.

    rate        US dollars a second of one container
    containers  how many there may be at a time
    budget      US dollars; None = no limit
    """

    rate: float
    containers: int
    budget: float | None = None
    _running: float = 0.0
    _peak: int = 0
    _last: float = field(default_factory=time.monotonic)

    def tick(self, under_way: int) -> float:
        """Count the time since the last tick, during which so many inputs were under way; what was spent so far."""
        now = time.monotonic()
        busy = min(under_way, self.containers)
        self._running += (now - self._last) * busy * self.rate
        self._peak, self._last = max(self._peak, busy), now
        return self.spent

    @property
    def spent(self) -> float:
        """US dollars, with the idle seconds at the end of every container."""
        return self._running + self._peak * IDLE * self.rate

    @property
    def used_up(self) -> bool:
        """Whether the budget is reached."""
        return self.budget is not None and self.spent >= self.budget
