"""What every trained model looks like to those that ask it, whatever computes its answers."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Int8

from forge_core.learn.settings import ModelKind
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.vocabulary import N_SLOTS

BATCH = 4096


class Answer(NamedTuple):
    """What a model says of n states, mover's view.

    slots  Q in points to go (kind qvalue) or logits (policy); illegal slots hold numbers without meaning
    value  V in points to go
    """

    slots: Float32[np.ndarray, "n 7"]
    value: Float32[np.ndarray, "n"]


class Model(Protocol):
    """Anything that answers like a trained network. `kind` says what the slots of its answers are."""

    @property
    def kind(self) -> ModelKind:
        """What the slots of an answer are."""
        ...

    def __call__(self, tokens: Int8[np.ndarray, "n 32 12"], mask: Bool[np.ndarray, "n 32"]) -> Answer:
        """The answer to n states."""
        ...


def answers(model: Model, arrays: TokenArrays, on_progress: Callable[[int], None] = lambda samples: None) -> Answer:
    """What the model says of all the samples, asked in batches, so that `arrays` may be mapped from files.

    on_progress  gets the number of samples of each batch
    """
    found = Answer(np.empty((len(arrays), N_SLOTS), np.float32), np.empty(len(arrays), np.float32))
    for first in range(0, len(arrays), BATCH):
        here = slice(first, first + BATCH)
        tokens, mask = np.array(arrays.tokens[here]), np.array(arrays.mask[here])  # torch wants memory it may write to
        found.slots[here], found.value[here] = model(tokens, mask)
        on_progress(len(arrays.seed[here]))
    return found
