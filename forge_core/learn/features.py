"""What the inputs of the MLP are computed from: the rules as tables of numbers, and a look one trick ahead.

The inputs are computed for every state that is asked, in training and by onnxruntime, where each operator costs about a
microsecond however little it does: a few look-ups of long rows and products with them are faster than many comparisons.
All numbers in tables that are multiplied are held exactly by eight bits, so half precision changes none.

The look ahead asks what a play or a lead wins if all that is to come answers with its strongest. None of it is exact
beyond that question; the network learns how far to trust it. Numbers of points are divided by 16, as inside the
networks, and counted in the mover's view. Ranks are one more than in the rules: 0 is none.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int8, Int64
from torch import Tensor, nn

from forge_core.rules import DOMINOES, Declaration, is_double, pips
from forge_core.rules.tables import COUNT_POINTS, FOLLOWS, LED_SUIT, RANK, SUITS

N_DOMINOES = len(DOMINOES)
N_SEATS = 4
N_SUITS = len(SUITS)
N_PLAYS = 3
SUIT_SIZE = 7
GONE = 4  # the owner of a domino that was played
NONE = N_DOMINOES  # instead of the domino of an absent play
PARTNER = 2

POINTS = 16.0  # points to one unit
FEW = 4.0  # dominoes to one unit
HAND = 32.0  # dominoes to one unit, where numbers of dominoes shall be less than one of a suit is in units of FEW

HOLDINGS = (N_SUITS, N_DOMINOES, 1, 1)
"""What a row of `holdings` consists of."""

OF_SUIT = (1, 3, 3)
"""What a row of `answers` consists of."""

OF_TRICK = (N_DOMINOES, N_DOMINOES + 1, N_DOMINOES, N_DOMINOES, len(Declaration), N_SUITS)
"""What a row of `tricks` consists of."""

OF_TURN = (N_SEATS, N_SEATS, N_SEATS, N_SEATS, 2)
"""What a row of `turns` consists of."""

KINDS = (7, 7, 2, 3)
"""How many values the columns of `kinds_of_dominoes` take."""

LEADS = (N_SEATS, N_SEATS, N_SEATS, N_SEATS)
PLAYS = (N_SEATS, 1, 1, 1, 1, 1)
"""What the rows of `combinations` are, for leads and for the present trick."""


def strongest_first(declaration: Declaration, suit: int) -> list[int]:
    """The dominoes that follow a suit, strongest first."""
    follows, rank = FOLLOWS[declaration][suit], RANK[declaration][suit]
    return sorted((domino for domino in DOMINOES if follows[domino]), key=lambda domino: -rank[domino])


def kinds_of_dominoes() -> Int8[Tensor, "28 4"]:
    """[domino] -> high pip, low pip, whether it is a double, and 0, 1 or 2 for 0, 5 or 10 counts (`KINDS`)."""
    return torch.tensor([(*pips(d), is_double(d), COUNT_POINTS[d] // 5) for d in DOMINOES], dtype=torch.int8)


def suits() -> tuple[Int64[Tensor, "10 64"], Int64[Tensor, "10 64"]]:
    """[declaration] -> the dominoes of the suits, strongest first, in eight places each; and GONE + 1 where is none.

    No suit has eight: the last place is always free. A free place names domino 0.
    """
    places = torch.zeros(len(Declaration), N_SUITS, 8).long()
    free = torch.full_like(places, GONE + 1)
    for declaration in Declaration:
        for suit in SUITS:
            members = strongest_first(declaration, suit)
            places[declaration, suit, : len(members)] = torch.tensor(members)
            free[declaration, suit, : len(members)] = 0
    return places.flatten(1), free.flatten(1)


def flags(n: int, rows: int) -> Float[Tensor, "rows n"]:
    """[number] -> n inputs, of which that of the number is 1; none is from n on."""
    return torch.eye(rows, n)


def held_places() -> Int64[Tensor, "128 7"]:
    """[bits of the places of a suit that are held] -> these places in order, then 7, which is free."""
    table = torch.full((1 << SUIT_SIZE, SUIT_SIZE), SUIT_SIZE)
    for bits in range(1 << SUIT_SIZE):
        places = _places(bits)
        table[bits, : len(places)] = torch.tensor(places, dtype=torch.long)
    return table


def holdings() -> Float[Tensor, "10 28 38"]:
    """[declaration, domino] -> what it adds to its holder's row.

    Its bit in each suit (2 ** place, the strongest is place 0); for each lead, whether it beats it (1 / FEW); its
    counts; one domino (1 / HAND).
    """
    table = torch.zeros(len(Declaration), N_DOMINOES, sum(HOLDINGS))
    bits, beats, counts, size = table.split(HOLDINGS, 2)
    for declaration in Declaration:
        for suit in SUITS:
            for place, domino in enumerate(strongest_first(declaration, suit)):
                bits[declaration, domino, suit] = 1 << place
        for lead in DOMINOES:
            rank = torch.tensor(RANK[declaration][LED_SUIT[declaration][lead]])
            beats[declaration, :, lead] = (rank > rank[lead]) / FEW
    counts[:] = _counts().view(1, -1, 1)
    size[:] = 1 / HAND
    return table


def answers() -> Float[Tensor, "10240 7"]:
    """[1024 * declaration + 128 * suit + bits of the places that a seat holds] -> what it may answer to that suit.

    How many follow (1 / FEW); of these the highest rank + 1, the most counts, minus the least. Then the same three as
    the dominoes are worth in another suit, and -1 for minus the least where there are none.
    """
    table = torch.zeros(len(Declaration), N_SUITS, 1 << SUIT_SIZE, sum(OF_SUIT))
    table[..., -1] = -1
    counts = _counts()
    for declaration in Declaration:
        for suit in SUITS:
            members = strongest_first(declaration, suit)
            elsewhere = [_rank_elsewhere(declaration, suit, domino) for domino in members]
            for bits in range(1, 1 << len(members)):
                places = _places(bits)
                best = RANK[declaration][suit][members[places[0]]] + 1
                off = max(elsewhere[place] for place in places) + 1
                given = counts[[members[place] for place in places]]
                most, least = float(given.max()), float(given.min())
                row = (len(places) / FEW, best, most, -least, off, most, -least)
                table[declaration, suit, bits] = torch.tensor(row)
    return table.flatten(0, 2)


def first_answers() -> Int64[Tensor, "10 1 8"]:
    """[declaration] -> the first row of each suit in `answers`."""
    return 128 * torch.arange(len(Declaration) * N_SUITS).view(-1, 1, N_SUITS)


def combinations() -> Float[Tensor, "4 25 16"]:
    """[leader] -> sums over what the seats may answer to a suit (void, rank + 1, most, minus the least; by seat).

    LEADS, each by the seat that leads: its own rank; that of the opponent who sits to its left, or else to its right;
    counts that its team wins, and that it loses, negative, of what the other three give.
    PLAYS: void by seat; of the seats that are to play the ranks of 1, 2 and 3; counts they give if the mover wins the
    trick, and if it loses it.
    """
    void, rank, most, least = torch.eye(16).split(N_SEATS)
    left, partner, right = ([(seat + by) % N_SEATS for seat in range(N_SEATS)] for by in (1, 2, 3))
    won = most[partner] - least[left] - least[right]
    lost = least[partner] - most[left] - most[right]
    table: list[Tensor] = []
    for leader in range(N_SEATS):
        comes = _comes(leader).unsqueeze(1)
        ranks, most_now, least_now = rank * comes, most * comes, least * comes
        gain = most_now[PARTNER] - least_now[1] - least_now[3]
        loss = most_now[1] + most_now[3] - least_now[PARTNER]
        table.append(torch.cat((rank, rank[[1, 0, 3, 2]], won, lost, void, ranks[1:], torch.stack((gain, loss)))))
    return torch.stack(table)


def led_suits() -> Float[Tensor, "10 8 28"]:
    """[declaration, suit, domino] -> whether the domino asks for the suit when it is led."""
    return (torch.tensor(LED_SUIT).unsqueeze(1) == torch.arange(N_SUITS).unsqueeze(1)).float()


def trick_numbers() -> Int64[Tensor, "290"]:
    """[29 * declaration + the first play, or NONE] -> the trick: 9 * declaration + the led suit, or 8."""
    led = torch.cat((torch.tensor(LED_SUIT), torch.full((len(Declaration), 1), N_SUITS)), 1)
    return (9 * torch.arange(len(Declaration)).unsqueeze(1) + led).flatten()


def suits_of_tricks() -> Float[Tensor, "90 8 28"]:
    """[trick, suit, domino] -> whether the domino would be a play to that suit: the led one, or its own as a lead."""
    table = torch.eye(N_SUITS).view(1, N_SUITS, N_SUITS, 1).repeat(len(Declaration), 1, 1, N_DOMINOES)
    return torch.cat((table, led_suits().unsqueeze(1)), 1).flatten(0, 1)


def tricks() -> Float[Tensor, "90 131"]:
    """[trick] -> what dominoes are worth in it.

    The rank + 1 of each as a lead; its rank + 1 in this trick, and 0 for NONE; the same, 0 before the lead; whether it
    follows, 1 before the lead; the declaration; the led suit.
    """
    rank, follows, led = torch.tensor(RANK) + 1, torch.tensor(FOLLOWS), torch.tensor(LED_SUIT)
    table: list[Tensor] = []
    for declaration in Declaration:
        own = rank[declaration].gather(0, led[declaration].unsqueeze(0))[0]
        nothing, declared = torch.zeros(N_DOMINOES), torch.eye(len(Declaration))[declaration]
        for suit in SUITS:
            there = rank[declaration, suit]
            of_suit = torch.eye(N_SUITS)[suit]
            table.append(torch.cat((own, there, nothing[:1], there, follows[declaration, suit], declared, of_suit)))
        table.append(torch.cat((own, own, nothing[:1], nothing, nothing + 1, declared, torch.zeros(N_SUITS))))
    return torch.stack(table).float()


def turns() -> Float[Tensor, "12 18"]:
    """[3 * leader + the place of the winning play] -> whose turn it is, and who is winning.

    The leader; the winner so far, none before the lead; the number of plays; the seats that play yet, the mover too;
    whether the winner is the partner, and whether it is an opponent.
    """
    table = torch.zeros(N_SEATS * N_PLAYS, sum(OF_TURN))
    leaders, winners, numbers, comes, teams = table.split(OF_TURN, 1)
    for leader in range(N_SEATS):
        n = -leader % N_SEATS
        for place in range(N_PLAYS):
            row, winner = N_PLAYS * leader + place, (leader + place) % N_SEATS
            leaders[row, leader] = numbers[row, n] = 1
            comes[row] = _comes(leader)
            if n:
                winners[row, winner] = 1
                teams[row, 0 if winner == PARTNER else 1] = 1
    return table


def counts_of_plays() -> Float[Tensor, "29 1"]:
    """[domino, or NONE] -> its counts."""
    return torch.cat((_counts(), torch.zeros(1))).unsqueeze(1)


def stakes() -> Float[Tensor, "28"]:
    """[domino] -> the point for a trick and the domino's counts."""
    return _counts() + 1 / POINTS


def _counts() -> Tensor:
    return torch.tensor(COUNT_POINTS) / POINTS


def _comes(leader: int) -> Tensor:
    return (torch.arange(N_SEATS) < N_SEATS - -leader % N_SEATS).float()


def _places(bits: int) -> list[int]:
    return [place for place in range(SUIT_SIZE) if bits >> place & 1]


def _rank_elsewhere(declaration: Declaration, suit: int, domino: int) -> int:
    """A domino's rank in suits that it does not follow: the same in all of them, 0 where there are none."""
    ranks = {RANK[declaration][other][domino] for other in SUITS if not FOLLOWS[declaration][other][domino]}
    return max(ranks, default=0)


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
        self._add("stakes", stakes())
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
