"""A state as yes-or-no inputs for the MLP: who owns what, and what that means under the declaration.

All of it follows from the tokens. The first group says everything; the others say it again in the terms that decide a
trick, because what a domino is worth depends on the declaration and on the other dominoes, and products of inputs are
what an MLP learns slowly. On 600,000 samples of 800 deals, width 512, they took q_gap on held-out deals from 1.16 to
0.59 points, most of it by the flags of the present trick (0.34), some by the held dominoes in order (0.04).
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from forge_core.learn import rule_tables as tables
from forge_core.learn.rule_tables import GONE, N_DOMINOES, N_PLAYS, N_SEATS, N_SUITS, NONE, SUIT_SIZE
from forge_core.learn.settings import FeatureSet
from forge_core.learn.trick_features import N_TRICK_INPUTS, Answers, Hands, Table, TrickInputs
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, FIRST_TRICK, Feature

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

    features  "ownership", or "tricks" with the inputs of `trick_features` behind them
    """

    domino_of_pips: Tensor
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
        self._add("domino_of_pips", tables.dominoes_of_pips())
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

    def dominoes(self, tokens: Int64[Tensor, "batch 32 12"]) -> Int64[Tensor, "batch 32"]:
        """The domino (0-27) of each token; 0 for the context and for absent plays."""
        return self.domino_of_pips[7 * tokens[..., Feature.HIGH] + tokens[..., Feature.LOW]]

    def forward(
        self, tokens: Int64[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"], dominoes: Int64[Tensor, "batch 32"]
    ) -> Float[Tensor, "batch inputs"]:
        """The inputs, [batch, input_width(features)]. What is absent is 0."""
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


def _owner(tokens: Int64[Tensor, "batch 32 12"], dominoes: Int64[Tensor, "batch 32"]) -> Int64[Tensor, "batch 28"]:
    """The owner of each domino. Every domino is dealt, so nothing is left of what `scatter` writes into."""
    dealt = tokens[:, FIRST_HAND:FIRST_TRICK]
    owner = torch.where(dealt[..., Feature.IS_HELD] == 1, dealt[..., Feature.RELATIVE_SEAT], GONE)
    return owner.scatter(1, dominoes[:, FIRST_HAND:FIRST_TRICK], owner)
