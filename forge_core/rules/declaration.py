"""The ten declarations and what they do to suits and ranks."""

from enum import IntEnum

from forge_core.rules.domino import is_double, pips

CALLED_SUIT = 7
"""The suit of the called dominoes: the trumps, or the doubles where they are a suit of their own."""

_TRUMP_BONUS = 16
_DOUBLE_ORDER = 13  # above 6-5, the highest pip sum (11) of a domino that is no double


class Declaration(IntEnum):
    """What seat 0 declared: a trump pip (0-6), doubles as trump, doubles as a suit without power, or no trump."""

    BLANKS = 0
    ONES = 1
    TWOS = 2
    THREES = 3
    FOURS = 4
    FIVES = 5
    SIXES = 6
    DOUBLES_TRUMP = 7
    DOUBLES_SUIT = 8
    FOLLOW_ME = 9


def is_called(domino: int, declaration: int) -> bool:
    """Whether a domino belongs to the called suit: contains the trump pip (0-6), is a double (7, 8), never (9)."""
    if declaration <= Declaration.SIXES:
        return declaration in pips(domino)
    return declaration != Declaration.FOLLOW_ME and is_double(domino)


def led_suit(domino: int, declaration: int) -> int:
    """The suit (0-7) that a domino asks for when it is led: the called suit if it is called, else its high pip."""
    return CALLED_SUIT if is_called(domino, declaration) else pips(domino)[0]


def follows(domino: int, suit: int, declaration: int) -> bool:
    """Whether a domino follows a led suit: suit 7 iff it is called, pip s iff it contains s and is not called."""
    called = is_called(domino, declaration)
    return called if suit == CALLED_SUIT else not called and suit in pips(domino)


def rank(domino: int, suit: int, declaration: int) -> int:
    """The strength (0-30) of a domino in a trick of the led suit; the highest wins, 0 cannot win.

    Trumps (called dominoes under 0-7) beat everything; then comes what follows the led suit. In a pip suit the double
    is highest, then the higher pip sum; doubles among themselves rank by pip. No two dominoes of one trick tie above 0.
    """
    called = is_called(domino, declaration)
    trump = called and declaration <= Declaration.DOUBLES_TRUMP
    if not trump and not follows(domino, suit, declaration):
        return 0
    high, low = pips(domino)
    among_doubles = called and declaration in (Declaration.DOUBLES_TRUMP, Declaration.DOUBLES_SUIT)
    order = high if among_doubles else _DOUBLE_ORDER if high == low else high + low
    return 1 + order + (_TRUMP_BONUS if trump else 0)
