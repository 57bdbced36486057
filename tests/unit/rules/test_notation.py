"""Text both ways, and what is refused."""

import pytest

from forge_core.errors import InputError
from forge_core.rules import (
    DOMINOES,
    Declaration,
    declaration_name,
    domino_name,
    hand_name,
    parse_declaration,
    parse_domino,
    parse_dominoes,
    parse_hand,
)


def test_there_and_back() -> None:
    assert [parse_domino(domino_name(d)) for d in DOMINOES] == list(DOMINOES)
    assert [parse_declaration(declaration_name(d)) for d in Declaration] == list(Declaration)
    assert [parse_declaration(int(d)) for d in Declaration] == list(Declaration)
    assert parse_domino(" 4-6") == parse_domino("6-4")
    assert hand_name(parse_hand("2-2,6-6,6-5,6-4,6-2,6-1,6-0")) == "2-2,6-0,6-1,6-2,6-4,6-5,6-6"
    assert parse_dominoes("") == ()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Sixes", Declaration.SIXES),
        ("doubles trump", Declaration.DOUBLES_TRUMP),
        ("doubles_suit", Declaration.DOUBLES_SUIT),
        ("aces", Declaration.ONES),
        ("no-trump", Declaration.FOLLOW_ME),
        ("9", Declaration.FOLLOW_ME),
    ],
)
def test_declarations_have_names_and_numbers(text: str, meant: Declaration) -> None:
    assert parse_declaration(text) is meant


@pytest.mark.parametrize("text", ["10", "-1", "sevens", "", "1.0"])
def test_other_declarations_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"declaration .*Expected a number 0-9 or one of blanks"):
        parse_declaration(text)


@pytest.mark.parametrize("text", ["7-0", "64", "6-", "six-four", "6-4-1"])
def test_other_dominoes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="two pips 0-6"):
        parse_domino(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("6-6,6-5,6-4,6-2,6-1,6-0", "6 dominoes"),
        ("6-6,6-5,6-4,6-2,6-1,6-0,0-6", "6-0 more than once"),
        ("6-6,6-5,6-4,6-2,6-1,6-0,2-2,1-1", "8 dominoes"),
    ],
)
def test_other_hands_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_hand(text)
