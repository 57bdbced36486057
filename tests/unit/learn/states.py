"""States made up for a test, and a model that knows everything."""

import numpy as np
from jaxtyping import Bool, Int8

from forge_core.learn.model import Answer
from forge_core.learn.settings import ModelKind
from forge_core.tokens.arrays import TokenArrays

ILLEGAL = -128


def arrays_of(q: list[list[int]], plays_left: list[int], seed: list[int]) -> TokenArrays:
    """States with these q of their first slots; the declaration is the seed's last digit."""
    table = np.array([row + [ILLEGAL] * (7 - len(row)) for row in q], np.int8)
    n, legal, v = len(table), table != ILLEGAL, table.max(axis=1)
    tokens = np.zeros((n, 32, 9), np.int8)
    tokens[:, 0, 0] = np.arange(n) % 128  # so that a test can tell them apart
    tokens[:, 0, 1] = np.arange(n) // 128
    return TokenArrays(
        tokens=tokens,
        mask=np.ones((n, 32), np.bool_),
        legal=legal,
        q=table,
        v=v,
        best=legal & (table == v[:, None]),
        plays_left=np.array(plays_left, np.int8),
        declaration=np.array(seed, np.int8) % 10,
        seed=np.array(seed, np.int64),
    )


class Oracle:
    """A model that has learned the exact values of `arrays_of` by heart."""

    kind: ModelKind = "qvalue"

    def __init__(self, arrays: TokenArrays) -> None:
        self._arrays = arrays

    def __call__(self, tokens: Int8[np.ndarray, "n 32 9"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
        rows = tokens[:, 0, 0] + 128 * tokens[:, 0, 1].astype(np.int64)
        return Answer(self._arrays.q[rows].astype(np.float32), self._arrays.v[rows].astype(np.float32))
