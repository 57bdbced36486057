import polars as pl
import pytest

from forge_core.rules import Declaration, parse_dominoes
from forge_core.tokens.domino_features import domino_features

TRUMPS = {
    Declaration.BLANKS: "1-0,2-0,3-0,4-0,5-0,6-0,0-0",
    Declaration.FIVES: "5-0,5-1,5-2,5-3,5-4,6-5,5-5",
    Declaration.DOUBLES_TRUMP: "0-0,1-1,2-2,3-3,4-4,5-5,6-6",
    Declaration.DOUBLES_SUIT: "0-0,1-1,2-2,3-3,4-4,5-5,6-6",
    Declaration.FOLLOW_ME: "",
}


@pytest.mark.parametrize(("declaration", "dominoes"), TRUMPS.items())
def test_the_called_suit_is_ranked_from_1(declaration: Declaration, dominoes: str) -> None:
    rows = domino_features().filter(pl.col("declaration") == declaration, pl.col("TRUMP_RANK") > 0)
    assert tuple(rows.sort("TRUMP_RANK")["domino"]) == parse_dominoes(dominoes)
    assert sorted(rows["TRUMP_RANK"]) == list(range(1, rows.height + 1))


def test_every_domino_has_a_row_under_every_declaration() -> None:
    assert domino_features().select("declaration", "domino").unique().height == 280
    assert domino_features().filter(pl.col("DOMINO") != pl.col("domino")).is_empty()
