"""The rules as data, for kernels that know no game logic. All tuples are indexed by declaration first."""

from forge_core.rules.declaration import Declaration, follows, led_suit, rank
from forge_core.rules.domino import DOMINOES, count_points

SUITS = range(8)

LED_SUIT: tuple[tuple[int, ...], ...] = tuple(tuple(led_suit(d, decl) for d in DOMINOES) for decl in Declaration)
"""[declaration][domino] -> the suit 0-7 it asks for when led."""

FOLLOWS: tuple[tuple[tuple[bool, ...], ...], ...] = tuple(
    tuple(tuple(follows(d, suit, decl) for d in DOMINOES) for suit in SUITS) for decl in Declaration
)
"""[declaration][suit][domino] -> whether it follows the led suit."""

FOLLOWERS: tuple[tuple[int, ...], ...] = tuple(
    tuple(sum(1 << d for d in DOMINOES if follows(d, suit, decl)) for suit in SUITS) for decl in Declaration
)
"""[declaration][suit] -> 28-bit mask of the dominoes that follow it."""

RANK: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(tuple(rank(d, suit, decl) for d in DOMINOES) for suit in SUITS) for decl in Declaration
)
"""[declaration][suit][domino] -> its strength 0-30 in a trick of that suit, 0 = cannot win."""

COUNT_POINTS: tuple[int, ...] = tuple(count_points(d) for d in DOMINOES)
"""[domino] -> 0, 5 or 10."""
