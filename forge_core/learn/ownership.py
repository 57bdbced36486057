"""A state as yes-or-no inputs for the MLP: who owns what, and what that means under the declaration.

All of it follows from the tokens. The first group says everything; the others say it again in the terms that decide a
trick, because what a domino is worth depends on the declaration and on the other dominoes, and products of inputs are
what an MLP learns slowly. On 600,000 samples of 800 deals, width 512, they took q_gap on held-out deals from 1.16 to
0.59 points, most of it by the flags of the present trick (0.34), some by the held dominoes in order (0.04).
"""

import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn

from forge_core.learn.settings import FeatureSet
from forge_core.learn.trick_features import N_TRICK_INPUTS, Answers, Table, TrickInputs
from forge_core.rules import DOMINOES, Declaration, domino_id
from forge_core.rules.tables import COUNT_POINTS, FOLLOWS, LED_SUIT, RANK, SUITS
from forge_core.tokens.vocabulary import CARDINALITY, CONTEXT, FIRST_HAND, FIRST_TRICK, N_TOKENS, Feature

N_DOMINOES = len(DOMINOES)
N_SEATS = 4
GONE = 4  # the owner of a domino that was played
SUIT_SIZE = 7
N_PLACES = N_TOKENS - FIRST_TRICK

N_INPUTS = (
    N_DOMINOES * (N_SEATS + 1)  # owner of each domino
    + len(SUITS) * SUIT_SIZE * (N_SEATS + 1)  # owner of each suit's strongest domino, second strongest ...
    + len(SUITS) * SUIT_SIZE * N_SEATS  # the same among the dominoes that are still held
    + N_PLACES * N_DOMINOES  # the plays of the present trick by place
    + CARDINALITY[Feature.DECLARATION]
    + CARDINALITY[Feature.RELATIVE_LEADER]
    + len(SUITS)  # the led suit
    + N_SEATS * N_DOMINOES  # which seats could beat a held domino, were it led
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
    led_suit: Tensor
    follows: Tensor
    rank: Tensor
    counts: Tensor

    def __init__(self, features: FeatureSet = "ownership") -> None:
        super().__init__()
        self.tricks = TrickInputs() if features == "tricks" else None
        self._add("counts", torch.tensor(COUNT_POINTS, dtype=torch.float32) / 16)
        pips = [domino_id(high, low) for high in range(7) for low in range(7)]
        self._add("domino_of_pips", torch.tensor(pips))
        self._add("suits", torch.tensor([_strongest_first(declaration) for declaration in Declaration]))
        self._add("led_suit", torch.tensor(LED_SUIT))
        self._add("follows", torch.tensor(FOLLOWS))
        self._add("rank", torch.tensor(RANK, dtype=torch.int8))

    def dominoes(self, tokens: Int64[Tensor, "batch 32 12"]) -> Int64[Tensor, "batch 32"]:
        """The domino (0-27) of each token; 0 for the context and for absent plays."""
        return self.domino_of_pips[7 * tokens[..., Feature.HIGH] + tokens[..., Feature.LOW]]

    def forward(
        self, tokens: Int64[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"], dominoes: Int64[Tensor, "batch 32"]
    ) -> Tensor:
        """The inputs, [batch, input_width(features)]: bool, or float32 with the tricks. What is absent is 0."""
        declaration = tokens[:, CONTEXT, Feature.DECLARATION]
        leader = tokens[:, CONTEXT, Feature.RELATIVE_LEADER]
        hands = tokens[:, FIRST_HAND:FIRST_TRICK]
        owner = torch.where(hands[..., Feature.IS_HELD] == 1, hands[..., Feature.RELATIVE_SEAT], GONE)
        owner = torch.zeros_like(owner).scatter(1, dominoes[:, FIRST_HAND:FIRST_TRICK], owner)
        plays, played = dominoes[:, FIRST_TRICK:], mask[:, FIRST_TRICK:]
        held = _held_by(owner)
        answers = self._answers(held, declaration)
        of_trick, table = self._of_trick(held, declaration, leader, plays, played)
        groups = (
            _one_hot(owner, N_SEATS + 1),
            *self._by_suit(owner, declaration),
            _one_hot(plays, N_DOMINOES) & played.repeat_interleave(N_DOMINOES, 1),
            _one_hot(declaration.unsqueeze(1), CARDINALITY[Feature.DECLARATION]),
            _one_hot(leader.unsqueeze(1), CARDINALITY[Feature.RELATIVE_LEADER]),
            self._of_leads(owner, declaration, answers),
            *of_trick,
        )
        inputs = torch.cat(groups, 1)
        if self.tricks is None:
            return inputs
        # before the lead any held domino may be played; onnxruntime has no Where of bool
        mine = (table.started & of_trick[2]) | (~table.started & held[:, 0])
        return torch.cat((inputs.float(), self.tricks(held, declaration, mine, answers, table)), 1)

    def _by_suit(
        self, owner: Int64[Tensor, "batch 28"], declaration: Int64[Tensor, "batch"]
    ) -> tuple[Bool[Tensor, "batch 280"], Bool[Tensor, "batch 224"]]:
        """Owners in the order of strength, suit by suit: of all dominoes, and of those that are still held."""
        nobody = torch.full_like(owner[:, :1], GONE + 1)  # pads suits of fewer than seven dominoes
        dealt = torch.cat((owner, nobody), 1).gather(1, self.suits[declaration])
        by_suit = dealt.unflatten(1, (len(SUITS), SUIT_SIZE))
        is_held = by_suit < GONE
        place = torch.where(is_held, is_held.long().cumsum(2) - 1, SUIT_SIZE)
        empty = torch.full_like(by_suit, GONE)
        held = torch.cat((empty, empty[..., :1]), 2).scatter(2, place, by_suit)[..., :SUIT_SIZE].flatten(1)
        return _one_hot(dealt, N_SEATS + 1), _one_hot(held, N_SEATS)

    def _answers(self, held: Bool[Tensor, "batch 4 28"], declaration: Int64[Tensor, "batch"]) -> Answers:
        follows, rank = self.follows[declaration].unsqueeze(1), self.rank[declaration].unsqueeze(1)
        following = held.unsqueeze(2) & follows
        length = following.sum(3)
        may_play = following | (held.unsqueeze(2) & (length == 0).unsqueeze(3))
        return Answers(may_play, length, torch.where(may_play, rank, -1).amax(3))

    def _of_leads(
        self, owner: Int64[Tensor, "batch 28"], declaration: Int64[Tensor, "batch"], answers: Answers
    ) -> Bool[Tensor, "batch 112"]:
        """Of each seat and each held domino: whether the seat could beat the domino if it were led now."""
        led = self.led_suit[declaration].unsqueeze(1)
        answer = answers.strongest.gather(2, led.expand(-1, N_SEATS, -1))
        beaten = answer > self.rank[declaration].gather(1, led)
        return (beaten & (owner < GONE).unsqueeze(1)).flatten(1)

    def _of_trick(
        self,
        held_by: Bool[Tensor, "batch 4 28"],
        declaration: Int64[Tensor, "batch"],
        leader: Int64[Tensor, "batch"],
        plays: Int64[Tensor, "batch 3"],
        played: Bool[Tensor, "batch 3"],
    ) -> tuple[tuple[Tensor, ...], Table]:
        """Led suit, winner so far, and three flags of each domino; all false but the mover's plays before the lead."""
        started = played[:, :1]
        led = self.led_suit[declaration, plays[:, 0]]
        follows, rank = self.follows[declaration, led], self.rank[declaration, led]
        ranks = torch.where(played, rank.gather(1, plays), -1)
        winner = (leader + ranks.argmax(1)).remainder(N_SEATS)
        n = played.sum(1, keepdim=True)
        points = (self.counts[plays] * played).sum(1, keepdim=True)
        table = Table(started, n, led, ranks.amax(1, keepdim=True), winner, points)
        beats = (rank > ranks.amax(1, keepdim=True)) & started
        can_follow = (held_by & follows.unsqueeze(1)).any(2, keepdim=True) & started.unsqueeze(2)
        playable = held_by & (follows.unsqueeze(1) | ~can_follow)
        comes = torch.arange(N_SEATS, device=plays.device) < N_SEATS - n
        mine, others = playable[:, 0], (playable[:, 1:] & comes[:, 1:].unsqueeze(2)).any(1)
        of_trick = (
            _one_hot(led.unsqueeze(1), len(SUITS)) & started,
            _one_hot(winner.unsqueeze(1), N_SEATS) & started,
            mine,
            mine & beats,
            others & beats,
        )
        return of_trick, table

    def _add(self, name: str, table: Tensor) -> None:
        self.register_buffer(name, table, persistent=False)


def _held_by(owner: Int64[Tensor, "batch 28"]) -> Bool[Tensor, "batch 4 28"]:
    return owner.unsqueeze(1) == torch.arange(N_SEATS, device=owner.device).view(1, -1, 1)


def _one_hot(numbers: Int64[Tensor, "batch k"], n: int) -> Bool[Tensor, "batch k*{n}"]:
    """k groups of n inputs; a number outside 0 .. n - 1 leaves its group false."""
    return (numbers.unsqueeze(2) == torch.arange(n, device=numbers.device)).flatten(1)


def _strongest_first(declaration: Declaration) -> list[int]:
    """The dominoes of the eight suits, strongest first, each suit padded to seven by the id 28."""
    row: list[int] = []
    for follows, rank in zip(FOLLOWS[declaration], RANK[declaration], strict=True):
        members = sorted((domino for domino in DOMINOES if follows[domino]), key=lambda domino: -rank[domino])
        row += members + [N_DOMINOES] * (SUIT_SIZE - len(members))
    return row
