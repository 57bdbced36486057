"""The networks: their interface, the MLP and its inputs, the transformer, and how one is built.

The residual MLP over ownership is for machines without a GPU: a hundredth of what attention over the tokens costs. Its
inputs follow from the tokens. The first group, who owns what, says everything; the others say it again in the terms
that decide a trick, because what a domino is worth depends on the declaration and on the other dominoes, and products
of inputs are what an MLP learns slowly. On 600,000 samples of 800 deals, width 512, they took q_gap on held-out deals
from 1.16 to 0.59 points, most of it by the flags of the present trick (0.34), some by the held dominoes in order
(0.04).

The transformer over the 32 tokens is for machines with a GPU. A token's embedding is the sum of its features'
embeddings, of the domino's pips, double and counts in place of its id: dominoes with a pip in common begin alike. It is
written as one matrix product with the one-hot features: faster than a look-up each, forward and backward. There is no
embedding of the position: the features say whose a domino is and who played it, so the order of the slots cannot
matter.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor, nn
from torch.nn import functional

from forge_core.learn import features as tables
from forge_core.learn.features import (
    GONE,
    N_DOMINOES,
    N_PLAYS,
    N_SEATS,
    N_SUITS,
    N_TRICK_INPUTS,
    NONE,
    SUIT_SIZE,
    Answers,
    Hands,
    Table,
    TrickInputs,
)
from forge_core.learn.settings import Architecture, FeatureSet, ModelKind
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, FIRST_TRICK, N_SLOTS, Feature

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
        self, tokens: Integer[Tensor, "batch 32 9"], mask: Bool[Tensor, "batch 32"]
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
        self, tokens: Integer[Tensor, "batch 32 9"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""


N_INPUTS = (
    N_DOMINOES * (N_SEATS + 1)  # owner of each domino
    + N_SUITS * SUIT_SIZE * (N_SEATS + 1)  # owner of each suit's strongest domino, second strongest ...
    + N_SUITS * SUIT_SIZE * N_SEATS  # the same among the dominoes that are still held
    + N_PLAYS * N_DOMINOES  # the plays of the present trick by place
    + CARDINALITY[Feature.DECLARATION]
    + CARDINALITY[Feature.RELATIVE_LEADER]
    + N_SEATS * N_DOMINOES  # which seats could beat a held domino, were it led
    + N_SUITS  # the led suit
    + N_SEATS  # who is winning the trick
    + 3 * N_DOMINOES  # the mover may play it; it may, and would win so far; a seat to come may play it, and win
)


def input_width(features: FeatureSet) -> int:
    """How many inputs a set of features has."""
    return N_INPUTS + (N_TRICK_INPUTS if features == "tricks" else 0)


class OwnershipInputs(nn.Module):
    """Tokens into the inputs of the MLP. Nothing is learned here; the buffers are the rules.

    features  "ownership", or "tricks" with those of `TrickInputs` behind them
    """

    suits: Tensor
    free: Tensor
    five: Tensor
    four: Tensor
    held_places: Tensor
    holdings: Tensor
    answers: Tensor
    first_answers: Tensor
    combinations: Tensor
    led_suits: Tensor
    trick_numbers: Tensor
    suits_of_tricks: Tensor
    of_tricks: Tensor
    turns: Tensor
    plays: Tensor
    counts: Tensor

    def __init__(self, features: FeatureSet = "ownership") -> None:
        super().__init__()
        self.tricks = TrickInputs() if features == "tricks" else None
        suits, free = tables.suits()
        self._add("suits", suits)
        self._add("free", free)
        self._add("five", tables.flags(N_SEATS + 1, 2 * (GONE + 1)))
        self._add("four", tables.flags(N_SEATS, 2 * (GONE + 1)))
        self._add("held_places", tables.held_places())
        self._add("holdings", tables.holdings())
        self._add("answers", tables.answers())
        self._add("first_answers", tables.first_answers())
        self._add("combinations", tables.combinations())
        self._add("led_suits", tables.led_suits())
        self._add("trick_numbers", tables.trick_numbers())
        self._add("suits_of_tricks", tables.suits_of_tricks())
        self._add("of_tricks", tables.tricks())
        self._add("turns", tables.turns())
        self._add("plays", tables.flags(N_DOMINOES, NONE + 1))
        self._add("counts", tables.counts_of_plays())

    def forward(
        self, tokens: Int64[Tensor, "batch 32 9"], mask: Bool[Tensor, "batch 32"]
    ) -> Float[Tensor, "batch inputs"]:
        """The inputs, [batch, input_width(features)]. What is absent is 0."""
        dominoes = tokens[..., Feature.DOMINO]
        context = tokens[:, CONTEXT]
        declaration, leader = context[:, Feature.DECLARATION], context[:, Feature.RELATIVE_LEADER]
        owner = _owner(tokens, dominoes)
        by_owner = self.five[owner]
        hands = self._hands(by_owner, declaration)
        answers = self._answers(hands, declaration)
        plays = torch.where(mask[:, FIRST_TRICK:], dominoes[:, FIRST_TRICK:], NONE)
        table, declared, leads = self._table(declaration, leader, plays)
        to_lead, to_play = (self.combinations[leader] @ answers.by_suit).split((16, 9), 1)
        to_lead = to_lead @ self.led_suits[declaration]
        to_play = to_play @ self.suits_of_tricks[table.number]
        could_beat = (to_lead[:, :N_SEATS] > table.rank_as_lead).float() * hands.held.sum(1, keepdim=True)
        playable = hands.held * table.comes * torch.maximum(table.follows, to_play[:, :N_SEATS])
        mine, others = playable[:, :1], playable[:, 1:].amax(1, keepdim=True)
        of_trick = (mine, mine * table.beats, others * table.beats)
        groups = (
            by_owner.flatten(1),
            *self._by_suit(owner, hands, declaration),
            self.plays[plays].flatten(1),
            declared,
            leads,
            could_beat.flatten(1),
            table.led_suit,
            table.winner,
        )
        if self.tricks is None:
            return torch.cat((*groups, torch.cat(of_trick, 1).flatten(1)), 1)
        rows, rest = self.tricks(hands, mine, to_lead[:, N_SEATS:], to_play[:, N_SEATS:], answers, table)
        return torch.cat((*groups, torch.cat((*of_trick, *rows), 1).flatten(1), *rest), 1)

    def _hands(self, by_owner: Float[Tensor, "batch 28 5"], declaration: Int64[Tensor, "batch"]) -> Hands:
        held = by_owner[..., :N_SEATS].transpose(1, 2)
        bits, higher, counts, size = (held @ self.holdings[declaration]).split(tables.HOLDINGS, 2)
        return Hands(held, bits, higher, counts, size)

    def _by_suit(
        self, owner: Int64[Tensor, "batch 28"], hands: Hands, declaration: Int64[Tensor, "batch"]
    ) -> tuple[Float[Tensor, "batch 280"], Float[Tensor, "batch 224"]]:
        """Owners in the order of strength, suit by suit: of all dominoes, and of those that are still held."""
        by_place = (owner.gather(1, self.suits[declaration]) + self.free[declaration]).unflatten(1, (N_SUITS, 8))
        places = self.held_places[hands.bits.sum(1).long()]
        return self.five[by_place[..., :SUIT_SIZE]].flatten(1), self.four[by_place.gather(2, places)].flatten(1)

    def _answers(self, hands: Hands, declaration: Int64[Tensor, "batch"]) -> Answers:
        """What the seats may answer to each suit: one of that suit, or any domino where they have none."""
        found = self.answers[hands.bits.long() + self.first_answers[declaration]].permute(0, 3, 1, 2)
        length, following, elsewhere = found.split(tables.OF_SUIT, 1)
        void = hands.size.unsqueeze(1) > length  # and not empty
        given = torch.where(void, elsewhere.amax(3, keepdim=True), following)
        return Answers(length, void.float(), torch.cat((void.float(), given), 1).flatten(1, 2))

    def _table(
        self, declaration: Int64[Tensor, "batch"], leader: Int64[Tensor, "batch"], plays: Int64[Tensor, "batch 3"]
    ) -> tuple[Table, Tensor, Tensor]:
        """The present trick; the declaration and the leader as inputs."""
        number = self.trick_numbers[(NONE + 1) * declaration + plays[:, 0]]
        as_lead, rank, beating, follows, declared, led = self.of_tricks[number].split(tables.OF_TRICK, 1)
        ranks = rank.gather(1, plays)
        highest = ranks.amax(1, keepdim=True)
        turn = self.turns[N_PLAYS * leader + ranks.argmax(1)]
        leads, winner, n, comes, teams = turn.split(tables.OF_TURN, 1)
        table = Table(
            number=number,
            rank_as_lead=as_lead.unsqueeze(1),
            rank=rank[:, :N_DOMINOES].unsqueeze(1),
            beats=(beating > highest).float().unsqueeze(1),
            follows=follows.unsqueeze(1),
            led_suit=led,
            winner=winner,
            n=n,
            comes=comes.unsqueeze(2),
            highest=(highest * teams).unsqueeze(2),
            points=self.counts[plays].sum(1),
        )
        return table, declared, leads

    def _add(self, name: str, table: Tensor) -> None:
        self.register_buffer(name, table, persistent=False)


def _owner(tokens: Int64[Tensor, "batch 32 9"], dominoes: Int64[Tensor, "batch 32"]) -> Int64[Tensor, "batch 28"]:
    """The owner of each domino. Every domino is dealt, so nothing is left of what `scatter` writes into."""
    dealt = tokens[:, FIRST_HAND:FIRST_TRICK]
    owner = torch.where(dealt[..., Feature.IS_HELD] == 1, dealt[..., Feature.RELATIVE_SEAT], GONE)
    return owner.scatter(1, dominoes[:, FIRST_HAND:FIRST_TRICK], owner)


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
        self, tokens: Integer[Tensor, "batch 32 9"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
        tokens = tokens.long()
        inputs = self.inputs(tokens, mask).to(self.embed.weight.dtype)
        outputs = self.head(self.norm(self.blocks(self.embed(inputs))))
        mine = tokens[:, FIRST_HAND : FIRST_HAND + N_SLOTS, Feature.DOMINO]
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

    kinds: Tensor
    column: Tensor
    word: Tensor

    def __init__(self, architecture: Architecture, kind: ModelKind) -> None:
        super().__init__(kind)
        width = architecture.width
        words = (*tables.KINDS, *(CARDINALITY[feature] for feature in Feature if feature != Feature.DOMINO))
        pairs = [(column, word) for column, n in enumerate(words) for word in range(n)]
        self.embed = nn.Linear(len(pairs), width)
        self.layers = nn.Sequential(*(Layer(architecture) for _ in range(architecture.layers)))
        self.norm = nn.LayerNorm(width)
        self.slot_head = nn.Linear(width, 1)
        self.value_head = nn.Linear(width, 1)
        self.register_buffer("kinds", tables.kinds_of_dominoes(), persistent=False)
        self.register_buffer("column", torch.tensor([column for column, _ in pairs]), persistent=False)
        self.register_buffer("word", torch.tensor([word for _, word in pairs], dtype=torch.int8), persistent=False)

    def heads(
        self, tokens: Integer[Tensor, "batch 32 9"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
        kinds = functional.pad(self.kinds[tokens[:, FIRST_HAND:, Feature.DOMINO].long()], (0, 0, FIRST_HAND, 0))
        columns = torch.cat((kinds, tokens[..., Feature.DOMINO + 1 :]), 2)
        one_hot = (columns[..., self.column] == self.word).to(self.embed.weight.dtype)
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
