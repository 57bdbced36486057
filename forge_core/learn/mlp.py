"""The residual MLP over ownership, for machines without a GPU: a hundredth of what attention over the tokens costs."""

from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn

from forge_core.learn.network import Network
from forge_core.learn.ownership import N_DOMINOES, OwnershipInputs, input_width
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.tokens.vocabulary import FIRST_HAND, N_SLOTS


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
        return outputs[:, :N_DOMINOES].gather(1, mine), outputs[:, N_DOMINOES]
