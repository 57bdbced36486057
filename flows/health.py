"""One thing that `forge doctor` looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, whether it will do, and what to do if not."""

    name: str
    sound: bool
    found: str
    remedy: str = ""
