"""The 28 dominoes as integers 0-27: high * (high + 1) / 2 + low."""

DOMINOES = range(28)
HAND_POINTS = 42
"""Points in a hand: seven tricks of one point each and 35 points of count dominoes."""

_PIPS = tuple((high, low) for high in range(7) for low in range(high + 1))
_COUNT_POINTS = {(5, 5): 10, (6, 4): 10, (5, 0): 5, (4, 1): 5, (3, 2): 5}


def domino_id(a: int, b: int) -> int:
    """The id (0-27) of the domino with the pips a and b (0-6 each, in any order)."""
    high, low = max(a, b), min(a, b)
    return high * (high + 1) // 2 + low


def pips(domino: int) -> tuple[int, int]:
    """The pips (high, low) of a domino."""
    return _PIPS[domino]


def is_double(domino: int) -> bool:
    """Whether both halves show the same pip."""
    high, low = _PIPS[domino]
    return high == low


def count_points(domino: int) -> int:
    """The points a domino carries into its trick: 0, 5 or 10."""
    return _COUNT_POINTS.get(_PIPS[domino], 0)
