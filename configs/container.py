"""What a container may use of its machine: Linux's control groups, of either version."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_FILES = Path("/sys/fs/cgroup")
_OURS = Path("/proc/self/cgroup")
_NO_LIMIT = 1 << 60  # version 1 writes a number of about this size where there is none


class Memory(NamedTuple):
    """Bytes that a container may use, and has in use less what the system would give back at once."""

    limit: int
    used: int


def cores(files: Path = _FILES, ours: Path = _OURS) -> float | None:
    """Processor cores that the quotas of the groups of this process allow; None = there is no quota."""
    found: list[float] = []
    for group in _groups(files, ours, "cpu"):
        quota, period = [*_words(group / "cpu.max"), "", ""][:2]
        if not quota:
            quota, period = (" ".join(_words(group / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(int(quota) / int(period))
    return min(found, default=None)


def memory(files: Path = _FILES, ours: Path = _OURS) -> Memory | None:
    """The tightest limit on memory of the groups of this process; None = there is none."""
    found: list[Memory] = []
    for group in _groups(files, ours, "memory"):
        for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            words = _words(group / limit) + _words(group / used)
            if len(words) == 2 and all(map(str.isdigit, words)) and int(words[0]) < _NO_LIMIT:
                counted = dict(zip(*[iter(_words(group / "memory.stat"))] * 2, strict=False))
                cache = int(counted.get("inactive_file", counted.get("total_inactive_file", 0)))
                found.append(Memory(int(words[0]), max(0, int(words[1]) - cache)))
    return min(found, key=lambda each: each.limit - each.used, default=None)


def threads(available: int) -> int:
    """How many of so many processors a program should use."""
    quota = cores()
    return available if quota is None else max(1, min(available, math.ceil(quota)))


def _groups(files: Path, ours: Path, controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, and of those around them."""
    for line in _lines(ours):
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        root = files / controller if names else files
        place = root / path.lstrip("/")
        yield from (each for each in (place, *place.parents) if each.is_relative_to(root))


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text().splitlines()
    return []
