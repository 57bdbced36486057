"""The networks: their interface, the MLP, the transformer, and how one is built.

The residual MLP over ownership is for machines without a GPU: a hundredth of what attention over the tokens costs. The
transformer over the 32 tokens is for machines with one. A token's embedding is the sum of its twelve features'
embeddings, written as one matrix product with the one-hot features: faster than twelve look-ups, forward and backward.
There is no embedding of the position: the features say whose a domino is and who played it, so the order of the slots
cannot matter.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn
from torch.nn import functional

from forge_core.learn.ownership import N_DOMINOES, OwnershipInputs, input_width
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, N_SLOTS

POINTS_SCALE = 16.0
"""Points to one unit inside the networks, about the standard deviation of V: outputs and losses are near 1."""


class Network(nn.Module, ABC):
    """A network that sees a state as its mover does.

    Both outputs are equivariant by construction: another order of a hand's slots gives the same values in that order,
    so no order has to be learned and none can be preferred.
    """

    kind: ModelKind

    def __init__(self, kind: ModelKind) -> None:
        super().__init__()
        self.kind = kind

    def forward(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """What the mover's seven slots are worth, and the state.

        Returns (slots, value), mover's view. Slots: Q in points to go (kind qvalue) or logits (policy); illegal slots
        are left to the caller. Value: V in points to go.
        """
        slots, value = self.heads(tokens, mask)
        slots, value = slots.float(), value.float() * POINTS_SCALE  # half precision has no tenths of a point to spare
        return slots * POINTS_SCALE if self.kind == "qvalue" else slots, value

    @abstractmethod
    def heads(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""


class Block(nn.Module):
    """Two linear layers on the normalised stream, added to it."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        """The stream and what the block adds to it."""
        return x + self.body(x)


class OwnershipMLP(Network):
    """Yes-or-no inputs, residual blocks, an output for each of the 28 dominoes and one for the value."""

    def __init__(self, architecture: Architecture, kind: ModelKind) -> None:
        super().__init__(kind)
        width = architecture.width
        self.inputs = OwnershipInputs(architecture.features)
        self.embed = nn.Linear(input_width(architecture.features), width)
        self.blocks = nn.Sequential(*(Block(width, architecture.feedforward) for _ in range(architecture.layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, N_DOMINOES + 1)

    def heads(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
        tokens = tokens.long()
        dominoes = self.inputs.dominoes(tokens)
        inputs = self.inputs(tokens, mask, dominoes).to(self.embed.weight.dtype)
        outputs = self.head(self.norm(self.blocks(self.embed(inputs))))
        mine = dominoes[:, FIRST_HAND : FIRST_HAND + N_SLOTS]
        return outputs.gather(1, mine), outputs[:, N_DOMINOES]


class Layer(nn.Module):
    """Attention and a feed-forward, each on the normalised stream and added to it."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.width
        self.n_heads = architecture.heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, architecture.feedforward),
            nn.GELU(),
            nn.Linear(architecture.feedforward, width),
        )

    def forward(self, x: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        """The stream and what the layer adds to it."""
        parts = self.qkv(self.attention_norm(x)).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        x = x + self.mix(attended.transpose(1, 2).flatten(2))
        return x + self.feedforward(x)


class TokenTransformer(Network):
    """Embedded tokens, encoder layers, one output at each of the mover's slots and the value at the context token."""

    feature: Tensor
    word: Tensor

    def __init__(self, architecture: Architecture, kind: ModelKind) -> None:
        super().__init__(kind)
        width = architecture.width
        pairs = [(feature, word) for feature, cardinality in CARDINALITY.items() for word in range(cardinality)]
        self.embed = nn.Linear(len(pairs), width)
        self.layers = nn.Sequential(*(Layer(architecture) for _ in range(architecture.layers)))
        self.norm = nn.LayerNorm(width)
        self.slot_head = nn.Linear(width, 1)
        self.value_head = nn.Linear(width, 1)
        self.register_buffer("feature", torch.tensor([feature for feature, _ in pairs]), persistent=False)
        self.register_buffer("word", torch.tensor([word for _, word in pairs], dtype=torch.int8), persistent=False)

    def heads(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
        one_hot = (tokens[..., self.feature] == self.word).to(self.embed.weight.dtype)
        # Absent plays enter as zero vectors instead of being masked out of the attention: the two say the same, and
        # attention without a mask runs in its fastest kernel.
        x = self.norm(self.layers(self.embed(one_hot) * mask.unsqueeze(-1)))
        slots = self.slot_head(x[:, FIRST_HAND : FIRST_HAND + N_SLOTS]).squeeze(-1)
        return slots, self.value_head(x[:, CONTEXT]).squeeze(-1)


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
