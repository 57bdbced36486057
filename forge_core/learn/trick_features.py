"""Inputs that look one trick ahead: what a play or a lead wins if all that is to come answers with its strongest.

None of it is exact beyond the question it asks; the network learns how far to trust it. Numbers of points are divided
by 16, as inside the networks, and counted in the mover's view. Ranks are one more than in the rules: 0 is none.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from forge_core.learn import rule_tables as tables
from forge_core.learn.rule_tables import HAND, N_DOMINOES, N_SEATS, N_SUITS

N_HAND = 7
SURE_STEPS = 3

N_TRICK_INPUTS = (
    5 * N_DOMINOES  # a play of the mover: points if won, if lost; won alone, with partner's help, and leading next
    + N_SEATS * N_DOMINOES  # a lead that no opponent of its owner can beat, by owner
    + N_SEATS * SURE_STEPS  # a seat has at least one, two, three of these
    + N_DOMINOES  # what the trick of a lead is worth
    + N_SEATS  # the best of these a seat has
    + 2 * N_DOMINOES  # higher dominoes in the suit of a lead: with opponents of its owner, with its owner's team
    + 2 * N_SEATS * N_SUITS  # a seat is void in a suit; how many of the suit it has
    + N_SEATS
    + 2  # counts held by each seat, in all with the table, on the table
    + N_HAND
    + N_SEATS  # dominoes in the mover's hand; plays on the table
)


class Hands(NamedTuple):
    """What the seats hold.

    held    the dominoes, by seat
    bits    the places they have in each suit, as bits of a number
    higher  how many of them beat a lead, by lead, in units of FEW
    counts  their counts
    size    how many they are, in units of HAND
    """

    held: Float[Tensor, "batch 4 28"]
    bits: Float[Tensor, "batch 4 8"]
    higher: Float[Tensor, "batch 4 28"]
    counts: Float[Tensor, "batch 4 1"]
    size: Float[Tensor, "batch 4 1"]


class Answers(NamedTuple):
    """What each seat may answer to each led suit, from the dominoes it holds.

    length   how many of them follow suit, in units of FEW
    void     whether it holds some, and none of the suit
    by_suit  void, highest rank, most counts, minus the least counts: of each the four seats
    """

    length: Float[Tensor, "batch 1 4 8"]
    void: Float[Tensor, "batch 1 4 8"]
    by_suit: Float[Tensor, "batch 16 8"]


class Table(NamedTuple):
    """The present trick.

    number        that of its row in the tables
    rank_as_lead  the rank of each domino, were it led
    rank          the rank of each domino if played now
    beats         whether that would win so far; false before the lead
    follows       whether it follows suit; true before the lead
    led_suit      none before the lead
    winner        the seat that is winning; none before the lead
    n             plays so far
    comes         the seats that play yet, the mover too
    highest       the highest rank of the partner if it is winning, and of an opponent if it is
    points        counts on the table
    """

    number: Int64[Tensor, "batch"]
    rank_as_lead: Float[Tensor, "batch 1 28"]
    rank: Float[Tensor, "batch 1 28"]
    beats: Float[Tensor, "batch 1 28"]
    follows: Float[Tensor, "batch 1 28"]
    led_suit: Float[Tensor, "batch 8"]
    winner: Float[Tensor, "batch 4"]
    n: Float[Tensor, "batch 4"]
    comes: Float[Tensor, "batch 4 1"]
    highest: Float[Tensor, "batch 2 1"]
    points: Float[Tensor, "batch 1"]


class TrickInputs(nn.Module):
    """The inputs of one trick ahead. Nothing is learned here; the buffers are the rules."""

    stakes: Tensor
    signs: Tensor
    teams: Tensor
    teams_again: Tensor
    pairs: Tensor
    sizes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._add("stakes", tables.stakes())
        self._add("signs", torch.tensor([[1.0, -1, 1, -1]]))
        self._add("teams", torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]))
        self._add("teams_again", torch.tensor([[0.0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1]]))
        self._add("pairs", torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]))
        self._add("sizes", torch.arange(1, N_HAND + 1) / HAND)

    def forward(
        self,
        hands: Hands,
        mine: Float[Tensor, "batch 1 28"],
        to_lead: Float[Tensor, "batch 12 28"],
        to_play: Float[Tensor, "batch 5 28"],
        answers: Answers,
        table: Table,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The inputs: first rows of the 28 dominoes, [batch, rows, 28], then the others, [batch, inputs].

        mine     the plays open to the mover
        to_lead  what the others give to each lead, the sums of `combinations` without the first four
        to_play  what they give to each play, the sums without the first four
        """
        sure, *leads = self._leads(hands, to_lead, table)
        rest = (*leads, answers.void, answers.length, *self._counts(hands, table))
        return (*self._plays(mine, to_play, table), sure), tuple(part.flatten(1) for part in rest)

    def _plays(
        self, mine: Float[Tensor, "batch 1 28"], to_play: Float[Tensor, "batch 5 28"], table: Table
    ) -> tuple[Tensor, ...]:
        """What each of the mover's plays makes of the present trick."""
        left, partner, right, given = to_play.split((1, 1, 1, 2), 1)
        ours, theirs = table.highest.split(1, 1)
        theirs = torch.maximum(torch.maximum(theirs, left), right)
        without = torch.maximum(table.rank, ours)
        others = torch.maximum(torch.maximum(theirs, ours), partner)
        beats = (torch.maximum(without, partner) > theirs, without > theirs, table.rank > others)
        won, alone, first = (torch.cat(beats, 1) * mine).split(1, 1)
        made = torch.cat((won, mine - won), 1) * (given + (table.points.unsqueeze(2) + self.stakes))
        return made, alone, won - alone, first

    def _leads(self, hands: Hands, to_lead: Float[Tensor, "batch 12 28"], table: Table) -> tuple[Tensor, ...]:
        """What each held domino would win, were it led by its owner with the hands as they are."""
        opponents, won, lost = to_lead.split(N_SEATS, 1)
        opponents = torch.maximum(*opponents.split(2, 1))
        sure = opponents <= table.rank_as_lead  # of both teams
        sure = torch.cat((sure, sure), 1)
        sure_by_seat = sure * hands.held
        worth = torch.where(sure, won + self.stakes, lost - self.stakes)
        best = torch.where(hands.held > 0, worth, -2.0).amax(2)
        higher = (self.teams @ hands.held) * (self.teams_again @ hands.higher)
        steps = sure_by_seat.sum(2, keepdim=True) > torch.arange(SURE_STEPS, device=best.device)
        return sure_by_seat, steps.float(), self.signs @ (worth * hands.held), best, self.pairs @ higher

    def _counts(self, hands: Hands, table: Table) -> tuple[Tensor, ...]:
        """Count points that are left, and how far the deal has come."""
        in_hand = (hands.size[:, 0] == self.sizes).float()
        return hands.counts, hands.counts.sum(1) + table.points, table.points, in_hand, table.n

    def _add(self, name: str, table: Tensor) -> None:
        self.register_buffer(name, table, persistent=False)
