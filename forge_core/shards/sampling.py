"""Which states of a solved deal a shard keeps, and the random key that decides it."""

import hashlib

import numpy as np

from forge_core.shards.request import DealRequest


def sampling_key(request: DealRequest, strategy: str) -> int:
    """The 128-bit Philox key of a deal's sample: it depends on the seeds, the declaration and the strategy alone."""
    opponent_seed = -1 if request.opponent_seed is None else request.opponent_seed
    purpose = f"sample states: {request.seed}, {opponent_seed}, {request.declaration}, {strategy}"
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:16], "little")


def generator(key: int) -> np.random.Generator:
    """The random stream of a key."""
    return np.random.Generator(np.random.Philox(key=key))
