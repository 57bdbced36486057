"""A model, random play and an untrained network on the same states."""

from pydantic import BaseModel, ConfigDict

from forge_core.learn.build import build_network
from forge_core.learn.inference import TorchModel
from forge_core.learn.metrics import Metrics, measure_model, measure_random_play
from forge_core.learn.model import Model, answers
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.tokens.arrays import TokenArrays


class Comparison(BaseModel):
    """The same states, judged by three: the model, one that plays at random, and the same network before training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Metrics
    random_play: Metrics
    untrained: Metrics


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
