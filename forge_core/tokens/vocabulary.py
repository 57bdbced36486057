"""What a token is: the one definition of the 32 tokens and their 9 int8 features.

A sample is one state seen by its mover. Seats are relative to the mover throughout (0 the mover, 1 to its left,
2 its partner, 3 to its right), so no feature carries an absolute seat.

token 0        context: declaration, relative leader
tokens 1-28    the dealt dominoes: the mover's seven slots in the order of its sorted hand, then seat 1's, 2's, 3's
tokens 29-31   the present trick in the order of play; absent plays are all zero and masked out
"""

from enum import IntEnum

N_TOKENS = 32
N_FEATURES = 9
CONTEXT = 0
FIRST_HAND = 1
FIRST_TRICK = 29
N_SLOTS = 7


class TokenType(IntEnum):
    """The value of the feature TOKEN_TYPE."""

    CONTEXT = 0
    HAND = 1
    TRICK = 2


class Feature(IntEnum):
    """The column of a feature; every value is small and not negative.

    What a domino is by itself (its pips, whether it is a double, its counts) is not told: the id says it.
    """

    DOMINO = 0  # 0-27, the id of the rules; 0 on the context
    TRUMP_RANK = 1  # 0 not called, else 1-7 from the lowest to the highest of the called suit
    RELATIVE_SEAT = 2  # 0-3: whose domino it is (hand) or who played it (trick)
    IS_MOVER = 3  # 0, 1
    IS_PARTNER = 4  # 0, 1
    IS_HELD = 5  # 0, 1: still in hand
    TOKEN_TYPE = 6  # TokenType
    DECLARATION = 7  # 0-9, on every token
    RELATIVE_LEADER = 8  # 0-3: who led, or is to lead, the present trick; on every token


CARDINALITY: dict[Feature, int] = {
    Feature.DOMINO: 28,
    Feature.TRUMP_RANK: 8,
    Feature.RELATIVE_SEAT: 4,
    Feature.IS_MOVER: 2,
    Feature.IS_PARTNER: 2,
    Feature.IS_HELD: 2,
    Feature.TOKEN_TYPE: 3,
    Feature.DECLARATION: 10,
    Feature.RELATIVE_LEADER: 4,
}
"""How many values a feature takes: 0 .. cardinality - 1."""
