"""Texas 42, the one place that knows the game. Plain Python, no arrays.

Four seats, two teams (team = seat % 2), 28 dominoes, seven each. Seat 0 declared and leads the first trick; the
winner of a trick leads the next. A trick is worth one point and the count dominoes in it (5-5 and 6-4 ten, 5-0, 4-1
and 3-2 five): 42 points a hand. Who can follow the led suit must; who cannot plays anything.

Encoding
--------
domino        int 0-27: high * (high + 1) / 2 + low, so 0-0 is 0 and 6-6 is 27
declaration   int 0-9 (`Declaration`): that pip is trump, or doubles trump (7), doubles a suit (8), follow me (9)
suit          int 0-7: a pip, or 7 for the called suit (the trumps; the doubles under 8)
seat          int 0-3 in the order of play
slot          int 0-6: the index in a seat's original hand, sorted by domino; a slot is an action
"""

from forge_core.rules.auction import BIDS, GAME_MARKS, AllPass, Auction, Bid, marks_won, parse_bid
from forge_core.rules.deal import Deal, deal_from_seed, deal_with_fixed_hand
from forge_core.rules.declaration import CALLED_SUIT, Declaration, follows, is_called, led_suit, rank
from forge_core.rules.domino import DOMINOES, HAND_POINTS, count_points, domino_id, is_double, pips
from forge_core.rules.notation import (
    declaration_name,
    domino_name,
    hand_name,
    parse_declaration,
    parse_domino,
    parse_dominoes,
    parse_hand,
)
from forge_core.rules.position import Position, opening
from forge_core.rules.seat import SEATS, next_seat, partner, team
from forge_core.rules.trick import trick_points, trick_winner

__all__ = [
    "BIDS",
    "CALLED_SUIT",
    "DOMINOES",
    "GAME_MARKS",
    "HAND_POINTS",
    "SEATS",
    "AllPass",
    "Auction",
    "Bid",
    "Deal",
    "Declaration",
    "Position",
    "count_points",
    "deal_from_seed",
    "deal_with_fixed_hand",
    "declaration_name",
    "domino_id",
    "domino_name",
    "follows",
    "hand_name",
    "is_called",
    "is_double",
    "led_suit",
    "marks_won",
    "next_seat",
    "opening",
    "parse_bid",
    "parse_declaration",
    "parse_domino",
    "parse_dominoes",
    "parse_hand",
    "partner",
    "pips",
    "rank",
    "team",
    "trick_points",
    "trick_winner",
]
