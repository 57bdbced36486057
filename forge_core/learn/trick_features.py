"""Inputs that look one trick ahead: what a play or a lead wins if all that is to come answers with its strongest.

None of it is exact beyond the question it asks; the network learns how far to trust it. Numbers of points are divided
by 16, as inside the networks, and counted in the mover's view.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor, nn

from forge_core.rules import DOMINOES, Declaration
from forge_core.rules.tables import COUNT_POINTS, LED_SUIT, RANK, SUITS

N_DOMINOES = len(DOMINOES)
N_SEATS = 4
N_SUITS = len(SUITS)
N_HAND = 7
POINTS = 16.0
FEW = 4.0  # dominoes to one unit
SURE_STEPS = 3
PARTNER = 2

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


class Answers(NamedTuple):
    """What each seat may answer to each led suit, from the dominoes it holds.

    may_play   the dominoes, by seat and led suit
    length     how many of them follow suit
    strongest  the highest rank among them, -1 = none
    """

    may_play: Bool[Tensor, "batch 4 8 28"]
    length: Int64[Tensor, "batch 4 8"]
    strongest: Integer[Tensor, "batch 4 8"]


class Given(NamedTuple):
    """What each seat gives to a trick of each suit: its strongest, and the most and the least counts it may give."""

    strongest: Integer[Tensor, "batch 4 8"]
    most: Float[Tensor, "batch 4 8"]
    least: Float[Tensor, "batch 4 8"]


class Table(NamedTuple):
    """The present trick.

    started  whether there is a play
    n        plays so far
    suit     the led suit, where it is started
    rank     the highest rank so far, -1 = none
    winner   the seat that has it
    points   counts on the table
    """

    started: Bool[Tensor, "batch 1"]
    n: Int64[Tensor, "batch 1"]
    suit: Int64[Tensor, "batch"]
    rank: Integer[Tensor, "batch 1"]
    winner: Int64[Tensor, "batch"]
    points: Float[Tensor, "batch 1"]


class TrickInputs(nn.Module):
    """The inputs of one trick ahead. Nothing is learned here; the buffers are the rules."""

    led_suit: Tensor
    own_rank: Tensor
    rank: Tensor
    higher: Tensor
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        led, rank = torch.tensor(LED_SUIT), torch.tensor(RANK, dtype=torch.int8)
        of_lead = torch.stack([rank[each][led[each]] for each in Declaration])  # [declaration, lead, domino]
        own = of_lead.diagonal(dim1=1, dim2=2)
        self._add("led_suit", led)
        self._add("rank", rank)
        self._add("own_rank", own.contiguous())
        self._add("higher", (of_lead > own.unsqueeze(2)).float())
        self._add("counts", torch.tensor(COUNT_POINTS, dtype=torch.float32) / POINTS)

    def forward(
        self,
        held: Bool[Tensor, "batch 4 28"],
        declaration: Int64[Tensor, "batch"],
        mine: Bool[Tensor, "batch 28"],
        answers: Answers,
        table: Table,
    ) -> Float[Tensor, "batch inputs"]:
        """The inputs; `mine` are the plays open to the mover."""
        most = torch.where(answers.may_play, self.counts, 0.0).amax(3)
        least = torch.where(answers.may_play, self.counts, 1.0).amin(3) * held.any(2, keepdim=True)
        given = Given(answers.strongest, most, least)
        led = self.led_suit[declaration]
        groups = (
            *self._plays(declaration, led, mine, given, table),
            *self._leads(declaration, led, held, given),
            ((answers.length == 0) & held.any(2, keepdim=True)).flatten(1),
            answers.length.flatten(1) / FEW,
            *self._counts(held, table),
        )
        return torch.cat([group.float() for group in groups], 1)

    def _plays(
        self,
        declaration: Int64[Tensor, "batch"],
        led: Int64[Tensor, "batch 28"],
        mine: Bool[Tensor, "batch 28"],
        given: Given,
        table: Table,
    ) -> tuple[Tensor, ...]:
        """What each of the mover's plays makes of the present trick."""
        suit = torch.where(table.started, table.suit.unsqueeze(1), led)
        by_suit = suit.unsqueeze(1)
        seats = torch.arange(N_SEATS, device=mine.device)
        comes = (seats < N_SEATS - table.n).unsqueeze(2)
        expanded = by_suit.expand(-1, N_SEATS, -1)
        answer = torch.where(comes, given.strongest.gather(2, expanded), -1)
        most = torch.where(comes, given.most.gather(2, expanded), 0.0)
        least = torch.where(comes, given.least.gather(2, expanded), 0.0)
        rank = self.rank[declaration].gather(1, by_suit).squeeze(1)
        partners = (table.winner == PARTNER).unsqueeze(1)
        ours = torch.where(partners, table.rank, -1)
        theirs = torch.where(partners, -1, table.rank)
        theirs = torch.maximum(theirs, torch.maximum(answer[:, 1], answer[:, 3]))
        without = torch.maximum(rank, ours)
        won = (torch.maximum(without, answer[:, 2]) > theirs) & mine
        alone = (without > theirs) & mine
        leads = mine & (rank > torch.maximum(theirs, torch.maximum(ours, answer[:, 2])))
        stake = 1 / POINTS + table.points + self.counts
        gain = stake + most[:, 2] + least[:, 1] + least[:, 3]
        loss = stake + least[:, 2] + most[:, 1] + most[:, 3]
        return won * gain, (mine & ~won) * loss, alone, won & ~alone, leads

    def _leads(
        self,
        declaration: Int64[Tensor, "batch"],
        led: Int64[Tensor, "batch 28"],
        held: Bool[Tensor, "batch 4 28"],
        given: Given,
    ) -> tuple[Tensor, ...]:
        """What each held domino would win, were it led by its owner with the hands as they are."""
        expanded = led.unsqueeze(1).expand(-1, N_SEATS, -1)
        answer, most, least = (part.gather(2, expanded) for part in given)
        own = self.own_rank[declaration]
        beaten = answer > own.unsqueeze(1)
        by_us, by_them = beaten[:, 0] | beaten[:, 2], beaten[:, 1] | beaten[:, 3]
        is_ours, is_theirs = held[:, 0] | held[:, 2], held[:, 1] | held[:, 3]
        sure = (is_ours & ~by_them) | (is_theirs & ~by_us)
        sure_by_seat = held & sure.unsqueeze(1)
        # of the owner's team its partner answers, of the others both
        turned = held.roll(2, 1)
        of_partner = [(turned * each).sum(1) for each in (most, least)]
        other = held.roll(1, 1) | held.roll(3, 1)
        of_others = [(other * each).sum(1) for each in (least, most)]
        stake = 1 / POINTS + self.counts
        gain, loss = (stake + partner + others for partner, others in zip(of_partner, of_others, strict=True))
        worth = torch.where(sure, gain, -loss)
        best = torch.where(held, worth.unsqueeze(1), -2.0).amax(2)
        higher = torch.bmm(held.float(), self.higher[declaration].transpose(1, 2)) / FEW
        of_us, of_them = higher[:, 0] + higher[:, 2], higher[:, 1] + higher[:, 3]
        with_others = is_ours * of_them + is_theirs * of_us
        with_own = is_ours * of_us + is_theirs * of_them
        n_sure = sure_by_seat.sum(2).unsqueeze(2)
        steps = n_sure > torch.arange(SURE_STEPS, device=held.device)
        sign = is_ours.float() - is_theirs.float()
        return sure_by_seat.flatten(1), steps.flatten(1), worth * sign, best, with_others, with_own

    def _counts(self, held: Bool[Tensor, "batch 4 28"], table: Table) -> tuple[Tensor, ...]:
        """Count points that are left, and how far the deal has come."""
        by_seat = (held * self.counts).sum(2)
        in_hand = held[:, 0].sum(1, keepdim=True)
        return (
            by_seat,
            by_seat.sum(1, keepdim=True) + table.points,
            table.points,
            in_hand == torch.arange(1, N_HAND + 1, device=held.device),
            table.n == torch.arange(N_SEATS, device=held.device),
        )

    def _add(self, name: str, table: Tensor) -> None:
        self.register_buffer(name, table, persistent=False)
