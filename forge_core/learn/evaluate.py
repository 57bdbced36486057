"""A model, random play and an untrained network on the same states."""

from collections.abc import Callable

import numpy as np
from pydantic import BaseModel, ConfigDict

from forge_core.learn.build import build_network
from forge_core.learn.inference import Answer, Model, TorchModel
from forge_core.learn.metrics import Metrics, measure_model, measure_random_play
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.vocabulary import N_SLOTS

BATCH = 4096


class Comparison(BaseModel):
    """The same states, judged by three: the model, one that plays at random, and the same network before training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Metrics
    random_play: Metrics
    untrained: Metrics


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


def evaluate(model: Model, arrays: TokenArrays) -> Metrics:
    """The metrics of a model that plays its highest legal slot."""
    slots, value = answers(model, arrays)
    return measure_model(slots, value, arrays, predicts_q=model.kind == "qvalue")


def random_play(arrays: TokenArrays) -> Metrics:
    """The expected metrics of choosing uniformly among the legal plays."""
    return measure_random_play(arrays)


def untrained(architecture: Architecture, kind: ModelKind, arrays: TokenArrays, *, seed: int) -> Metrics:
    """The metrics of a network with the first weights that the seed draws: what training started from."""
    return evaluate(TorchModel(build_network(architecture, kind, seed).eval()), arrays)


def compare(model: Model, architecture: Architecture, arrays: TokenArrays, *, seed: int) -> Comparison:
    """The model beside random play and the untrained network of its architecture and seed."""
    return Comparison(
        model=evaluate(model, arrays),
        random_play=random_play(arrays),
        untrained=untrained(architecture, model.kind, arrays, seed=seed),
    )
