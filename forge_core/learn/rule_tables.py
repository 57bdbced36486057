"""The rules as tables of numbers from which the inputs of the MLP are looked up.

The inputs are computed for every state that is asked, in training and by onnxruntime, where each operator costs about a
microsecond however little it does: a few look-ups of long rows and products with them are faster than many comparisons.
All numbers in tables that are multiplied are held exactly by eight bits, so half precision changes none.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from forge_core.rules import DOMINOES, Declaration, domino_id
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

LEADS = (N_SEATS, N_SEATS, N_SEATS, N_SEATS)
PLAYS = (N_SEATS, 1, 1, 1, 1, 1)
"""What the rows of `combinations` are, for leads and for the present trick."""


def strongest_first(declaration: Declaration, suit: int) -> list[int]:
    """The dominoes that follow a suit, strongest first."""
    follows, rank = FOLLOWS[declaration][suit], RANK[declaration][suit]
    return sorted((domino for domino in DOMINOES if follows[domino]), key=lambda domino: -rank[domino])


def dominoes_of_pips() -> Int64[Tensor, "49"]:
    """[7 * high + low] -> the domino."""
    return torch.tensor([domino_id(high, low) for high in range(7) for low in range(7)])


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
