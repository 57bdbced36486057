"""A network that answers like another one, to train on from there instead of from nothing: larger, or of another kind.

Every unit of the stream is there twice, so layer norms see what they saw. A weight from a doubled unit is halved, and
noise of opposite sign on its two halves, which cancels as long as both units are equal, lets training tell them apart
(Chen et al., Net2Net, 2016). Blocks that are new add nothing yet; inputs that are new have weights of 0.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from forge_core.learn.network import POINTS_SCALE, Network, build_network, input_width
from forge_core.learn.settings import Architecture, ModelKind

_NOISE = 0.5
"""Standard deviation of the noise, in units of the weights' own."""


def can_grow(small: Architecture, large: Architecture) -> bool:
    """Whether an MLP of the one shape can become one of the other: as wide or twice as wide, and no fewer blocks."""
    widths = (small.width, small.feedforward), (large.width, large.feedforward)
    return (
        small.network == large.network == "mlp"
        and widths[1] in (widths[0], (2 * small.width, 2 * small.feedforward))
        and small.layers <= large.layers
        and small.features in ("ownership", large.features)
    )


def grown(network: Network, small: Architecture, large: Architecture, kind: ModelKind, seed: int) -> Network:
    """An MLP of the larger shape with the answers of the smaller one; the seed draws the noise and the new blocks."""
    result = build_network(large, kind, seed)
    weights, old = result.state_dict(), network.state_dict()
    generator = torch.Generator().manual_seed(seed)
    for name, weight in old.items():
        weights[name] = weight if large.width == small.width else _doubled(name, weight, generator)
    for block in range(small.layers, large.layers):
        for part in ("weight", "bias"):
            weights[f"blocks.{block}.body.3.{part}"].zero_()
    missing = input_width(large.features) - input_width(small.features)
    weights["embed.weight"] = pad(weights["embed.weight"], (0, missing))
    result.load_state_dict(weights)
    return result


def as_policy(network: Network, architecture: Architecture, temperature: float, seed: int) -> Network:
    """The policy that softens a Q-value network's answers: its logits are Q / temperature, its value the same."""
    weights, factor = dict(network.state_dict()), POINTS_SCALE / temperature
    for part in ("weight", "bias"):
        if architecture.network == "mlp":  # the value is the last output of the same layer
            weights[f"head.{part}"] = torch.cat((weights[f"head.{part}"][:-1] * factor, weights[f"head.{part}"][-1:]))
        else:
            weights[f"slot_head.{part}"] = weights[f"slot_head.{part}"] * factor
    result = build_network(architecture, "policy", seed)
    result.load_state_dict(weights)
    return result


def _doubled(name: str, weight: Tensor, generator: torch.Generator) -> Tensor:
    """A parameter of the network whose units are all there twice: not its inputs, and not its outputs."""

    def row() -> Tensor:
        return _from_doubled(weight, generator) if weight.ndim == 2 and not name.startswith("embed.") else weight

    return row() if name.startswith("head.") else torch.cat((row(), row()))


def _from_doubled(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A weight matrix whose inputs have become two equal halves."""
    noise = torch.randn(weight.shape, generator=generator) * weight.std() * _NOISE
    return torch.cat((weight / 2 + noise, weight / 2 - noise), 1)
