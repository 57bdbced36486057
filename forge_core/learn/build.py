"""From an architecture to a network."""

import torch
from torch import nn

from forge_core.learn.mlp import OwnershipMLP
from forge_core.learn.network import Network
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.learn.transformer import TokenTransformer


def build_network(architecture: Architecture, kind: ModelKind, seed: int) -> Network:
    """A network with first weights drawn by the seed; torch's own random stream is left as it was."""
    makers: dict[str, type[OwnershipMLP] | type[TokenTransformer]] = {
        "mlp": OwnershipMLP,
        "transformer": TokenTransformer,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return makers[architecture.network](architecture, kind)


def count_parameters(network: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
