"""Random streams, keyed by what they are for, so that no draw depends on what was computed before it."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; a part of its key. Numbers are never reused: they decide the bytes of generated games."""

    WORLDS = 1
    CHOICE = 2


def stream(seed: int, purpose: Purpose, n_plays: int) -> np.random.Generator:
    """The stream of a decision: Philox, keyed by (seed, purpose, plays made before the decision)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, n_plays])))
