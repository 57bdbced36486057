"""The transcript of a decision as tokens: what its seat may know and nothing else.

36 tokens of 8 int8 features, all seats relative to the mover (0 itself, 1 left, 2 partner, 3 right):

token 0        the declaration; its relative seat is the one that declared and led the first trick
then           the mover's hand as it is now, ascending
then           every play so far, in order
the rest       all zero, after `transcript_lengths`
"""

from enum import IntEnum

import numpy as np
from jaxtyping import Int8

from forge_core.expected_q.information_set import InformationSet
from forge_core.rules import DOMINOES, count_points, is_double, pips

N_TRANSCRIPT_TOKENS = 36
N_TRANSCRIPT_FEATURES = 8


class TranscriptFeature(IntEnum):
    """The column of a feature."""

    HIGH = 0  # 0-6
    LOW = 1  # 0-6
    IS_DOUBLE = 2  # 0, 1
    COUNT_CLASS = 3  # 0, 1, 2 for 0, 5, 10 points
    RELATIVE_SEAT = 4  # 0-3
    IS_HELD = 5  # 0, 1: in the mover's hand
    DECLARATION = 6  # 0-9, on every token
    TOKEN_TYPE = 7  # TranscriptType


class TranscriptType(IntEnum):
    """The value of the feature TOKEN_TYPE."""

    DECLARATION = 0
    HAND = 1
    PLAY = 2


_DOMINO_FEATURES = tuple((*pips(d), int(is_double(d)), count_points(d) // 5) for d in DOMINOES)


def transcript(info: InformationSet) -> tuple[Int8[np.ndarray, "36 8"], int]:
    """The tokens of an information set and how many of them are in use."""
    record = info.record
    declaration = record.declaration
    rows = [(0, 0, 0, 0, (record.first_leader - info.seat) % 4, 0, declaration, TranscriptType.DECLARATION)]
    rows += [(*_DOMINO_FEATURES[d], 0, 1, declaration, TranscriptType.HAND) for d in info.hand]
    rows += [
        (*_DOMINO_FEATURES[d], (seat - info.seat) % 4, 0, declaration, TranscriptType.PLAY)
        for d, seat in zip(record.plays, record.seats, strict=True)
    ]
    tokens = np.zeros((N_TRANSCRIPT_TOKENS, N_TRANSCRIPT_FEATURES), np.int8)
    tokens[: len(rows)] = rows
    return tokens, len(rows)
