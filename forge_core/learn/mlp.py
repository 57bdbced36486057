"""The residual MLP: a state as one-hot ownership, for machines without a GPU.

A token sequence says of each domino where it is; so do 28 one-hot owners, at a hundredth of the attention's cost.
Beside the plain ownership stands the same once more in the order of the suits ("who has the strongest remaining five,
the second strongest ..."), because what a domino is worth depends on the declaration, and products of two inputs are
what an MLP learns slowly.
"""

import torch
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor, nn

from forge_core.learn.network import Network
from forge_core.learn.settings import Architecture, ModelKind
from forge_core.rules import DOMINOES, Declaration, domino_id, follows, rank
from forge_core.rules.tables import SUITS
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, FIRST_TRICK, N_SLOTS, Feature

N_DOMINOES = len(DOMINOES)
N_OWNERS = 5  # the four relative seats, and gone
GONE = 4
SUIT_SIZE = 7
N_PLACES = 3
NO_DOMINO = N_DOMINOES  # pads suits that have fewer than seven dominoes

_OWNERSHIP = N_DOMINOES * N_OWNERS
_SUITS = len(SUITS) * SUIT_SIZE * N_OWNERS
_TRICK = N_PLACES * N_DOMINOES
_DECLARATION = CARDINALITY[Feature.DECLARATION]
_LEADER = CARDINALITY[Feature.RELATIVE_LEADER]
N_INPUTS = _OWNERSHIP + _SUITS + _TRICK + _DECLARATION + _LEADER


class Block(nn.Module):
    """Two linear layers on the normalised stream, added to it."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        """The stream and what the block adds to it."""
        return x + self.body(x)


class OwnershipMLP(Network):
    """One-hot inputs, residual blocks, an output for each of the 28 dominoes and one for the value."""

    suits: Tensor
    domino_of_pips: Tensor
    offsets: Tensor

    def __init__(self, architecture: Architecture, kind: ModelKind) -> None:
        super().__init__(kind)
        width = architecture.width
        self.embed = nn.Linear(N_INPUTS, width)
        self.blocks = nn.Sequential(*(Block(width, architecture.feedforward) for _ in range(architecture.layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, N_DOMINOES + 1)
        self.register_buffer("suits", _suits(), persistent=False)
        self.register_buffer("domino_of_pips", _domino_of_pips(), persistent=False)
        self.register_buffer("offsets", _offsets(), persistent=False)

    def heads(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
        tokens = tokens.long()
        dominoes = self.domino_of_pips[7 * tokens[..., Feature.HIGH] + tokens[..., Feature.LOW]]
        hidden = self.norm(self.blocks(self.embed(self._one_hot(tokens, mask, dominoes))))
        outputs = self.head(hidden)
        mine = dominoes[:, FIRST_HAND : FIRST_HAND + N_SLOTS]
        return outputs[:, :N_DOMINOES].gather(1, mine), outputs[:, N_DOMINOES]

    def _one_hot(
        self, tokens: Int64[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"], dominoes: Int64[Tensor, "batch 32"]
    ) -> Float[Tensor, "batch {N_INPUTS}"]:
        """The inputs: each group of columns has a 1 where its column is true; an absent thing has none."""
        hands, trick = slice(FIRST_HAND, FIRST_TRICK), slice(FIRST_TRICK, None)
        declaration, leader = tokens[:, CONTEXT, Feature.DECLARATION], tokens[:, CONTEXT, Feature.RELATIVE_LEADER]
        held = tokens[:, hands, Feature.IS_HELD] == 1
        owner = torch.where(held, tokens[:, hands, Feature.RELATIVE_SEAT], GONE)
        by_domino = torch.zeros_like(tokens[:, : N_DOMINOES + 1, 0]).scatter(1, dominoes[:, hands], owner)
        suits = self.suits[declaration]
        by_suit = by_domino.gather(1, suits)
        last = torch.stack((declaration, leader), 1)
        columns = torch.cat((by_domino[:, :N_DOMINOES], by_suit, dominoes[:, trick], last), 1) + self.offsets
        present = torch.cat((mask[:, hands], suits != NO_DOMINO, mask[:, trick], mask[:, :2]), 1)
        inputs = torch.zeros_like(tokens[:, :1, 0], dtype=torch.float32).expand(-1, N_INPUTS)
        return inputs.scatter(1, columns, present.float())


def _suits() -> Int64[Tensor, "10 56"]:
    """[declaration] -> the dominoes of its eight suits, strongest first, each suit padded to seven."""
    rows: list[list[int]] = []
    for declaration in Declaration:
        row: list[int] = []
        for suit in SUITS:
            members = [domino for domino in DOMINOES if follows(domino, suit, declaration)]
            members.sort(key=lambda domino: -rank(domino, suit, declaration))
            row += members + [NO_DOMINO] * (SUIT_SIZE - len(members))
        rows.append(row)
    return torch.tensor(rows)


def _domino_of_pips() -> Int64[Tensor, "49"]:
    """[7 * high + low] -> the domino."""
    return torch.tensor([domino_id(high, low) for high in range(7) for low in range(7)])


def _offsets() -> Int64[Tensor, "89"]:
    """The first column of each one-hot group, in the order in which `_one_hot` lists them."""
    widths = [N_OWNERS] * (N_DOMINOES + len(SUITS) * SUIT_SIZE) + [N_DOMINOES] * N_PLACES + [_DECLARATION, _LEADER]
    return torch.tensor([0, *widths[:-1]]).cumsum(0)
