"""The transformer over the 32 tokens, for machines with a GPU.

A token's embedding is the sum of its twelve features' embeddings, written as one matrix product with the one-hot
features: faster than twelve look-ups, forward and backward. There is no embedding of the position: the features say
whose a domino is and who played it, so the order of the slots cannot matter.
"""

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn
from torch.nn import functional

from forge_core.learn.network import Network
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, N_SLOTS


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
