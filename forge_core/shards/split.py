"""Which split a deal belongs to, by its seed alone, so that no deal is ever in two of them."""

from enum import StrEnum


class Split(StrEnum):
    """Train, validation and test; the test split is never used to choose anything."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


_PERIOD, _TRAIN, _VAL = 1000, 900, 50


def split_of(seed: int) -> Split:
    """The split of a seed: seed % 1000 in 0-899 train, 900-949 validation, 950-999 test."""
    place = seed % _PERIOD
    if place < _TRAIN:
        return Split.TRAIN
    return Split.VAL if place < _TRAIN + _VAL else Split.TEST


def train_seeds(start: int, n: int, *, first: int = 0) -> list[int]:
    """The train seeds number `start` to `start + n - 1`, counted from the first one that is not below `first`."""
    start += first // _PERIOD * _TRAIN + min(first % _PERIOD, _TRAIN)
    return [number // _TRAIN * _PERIOD + number % _TRAIN for number in range(start, start + n)]
