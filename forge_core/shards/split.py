"""Which split a deal belongs to, by its seed alone, so that no deal is ever in two of them."""

from enum import StrEnum


class Split(StrEnum):
    """Train, validation and test; the test split is never used to choose anything."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def split_of(seed: int) -> Split:
    """The split of a seed: seed % 1000 in 0-899 train, 900-949 validation, 950-999 test."""
    place = seed % 1000
    if place < 900:
        return Split.TRAIN
    return Split.VAL if place < 950 else Split.TEST
