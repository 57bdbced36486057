"""A model, random play and an untrained network on the same states."""

import torch
from pydantic import BaseModel, ConfigDict

from forge_core.learn.metrics import Metrics, measure_model, measure_random_play
from forge_core.learn.model import Model, TorchModel, answers
from forge_core.learn.network import Network, build_network
from forge_core.learn.settings import TrainSettings
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


def compare(network: Network, settings: TrainSettings, arrays: TokenArrays, device: torch.device) -> Comparison:
    """A trained network beside random play and the network that these settings start from; both are asked on `device`,
    where the trained one is left.
    """
    untrained = build_network(settings.architecture, settings.kind, settings.seed)
    return Comparison(
        model=evaluate(TorchModel(network.to(device).eval()), arrays),
        random_play=measure_random_play(arrays),
        untrained=evaluate(TorchModel(untrained.to(device).eval()), arrays),
    )
