"""Blocks of seeds: what one task works on."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from configs.pipeline import SeedRange


def cut(ranges: Sequence[SeedRange], size: int) -> Iterator[range]:
    """The seeds of all ranges, cut at the multiples of `size`, so that ranges that overlap share their blocks."""
    for seeds in (each.seeds() for each in ranges):
        first = seeds.start - seeds.start % size + size
        yield from (
            range(start, stop) for start, stop in pairwise([seeds.start, *range(first, seeds.stop, size), seeds.stop])
        )
