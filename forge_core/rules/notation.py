"""Text both ways: "6-4" is a domino, "sixes" a declaration, "6-6,6-5" a list of dominoes."""

import re
from collections.abc import Iterable

from forge_core.errors import InputError
from forge_core.rules.deal import check_hand
from forge_core.rules.declaration import Declaration
from forge_core.rules.domino import domino_id, pips

_NAMES = {declaration: declaration.name.lower().replace("_", "-") for declaration in Declaration}
_ALIASES = {
    "zeros": Declaration.BLANKS,
    "aces": Declaration.ONES,
    "deuces": Declaration.TWOS,
    "treys": Declaration.THREES,
    "doubles": Declaration.DOUBLES_TRUMP,
    "no-trump": Declaration.FOLLOW_ME,
    "notrump": Declaration.FOLLOW_ME,
}
_BY_NAME = {name: declaration for declaration, name in _NAMES.items()} | _ALIASES


def domino_name(domino: int) -> str:
    """ "6-4": high pip, hyphen, low pip."""
    return "{}-{}".format(*pips(domino))


def hand_name(dominoes: Iterable[int]) -> str:
    """ "6-6,6-4,5-0": the dominoes in the order given."""
    return ",".join(domino_name(domino) for domino in dominoes)


def declaration_name(declaration: int) -> str:
    """ "sixes", "doubles-trump", "follow-me"."""
    return _NAMES[Declaration(declaration)]


def parse_domino(text: str) -> int:
    """The domino that "6-4" (or "4-6") names; InputError otherwise."""
    match = re.fullmatch(r"\s*([0-6])-([0-6])\s*", text)
    if match is None:
        raise InputError.of(
            got=f"the domino {text!r}",
            expected='two pips 0-6 with a hyphen, as in "6-4"',
            remedy="correct the domino",
        )
    return domino_id(int(match[1]), int(match[2]))


def parse_dominoes(text: str) -> tuple[int, ...]:
    """The dominoes of a comma-separated list, in its order; empty for an empty text."""
    return tuple(parse_domino(part) for part in text.split(",")) if text.strip() else ()


def parse_hand(text: str) -> tuple[int, ...]:
    """A hand of seven different dominoes, sorted by id; InputError otherwise."""
    return check_hand(parse_dominoes(text))


def parse_declaration(text: str | int) -> Declaration:
    """The declaration of a name ("sixes", "doubles-trump", "follow-me", "aces" ...) or a number 0-9."""
    word = str(text).strip().lower().replace("_", "-").replace(" ", "-")
    if word in _BY_NAME:
        return _BY_NAME[word]
    if word.isdecimal() and int(word) in _NAMES:
        return Declaration(int(word))
    raise InputError.of(
        got=f"the declaration {text!r}",
        expected="a number 0-9 or one of " + ", ".join(_NAMES.values()),
        remedy="choose one of these",
    )
