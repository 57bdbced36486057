"""What the rules say of each domino under each declaration, as a polars table to join deals with."""

from functools import cache

import polars as pl

from forge_core.rules import CALLED_SUIT, DOMINOES, Declaration, is_called, rank
from forge_core.rules.tables import FOLLOWS, LED_SUIT, SUITS
from forge_core.tokens.vocabulary import Feature

STATIC = (Feature.DOMINO, Feature.TRUMP_RANK)
"""The features that a domino keeps through all states of a deal."""


@cache
def domino_features() -> pl.DataFrame:
    """280 rows, one for each `declaration` (int8) and `domino` (uint8), with the STATIC features as int8 columns.

    Beside them `leads` uint8, the suit it asks for when led, and `follows` uint8, bit s: it follows suit s.
    """
    return pl.DataFrame(
        [_row(declaration, domino) for declaration in Declaration for domino in DOMINOES],
        schema={"declaration": pl.Int8, "domino": pl.UInt8}
        | {feature.name: pl.Int8 for feature in STATIC}
        | {"leads": pl.UInt8, "follows": pl.UInt8},
        orient="row",
    )


def _row(declaration: Declaration, domino: int) -> tuple[int, ...]:
    return (
        declaration,
        domino,
        domino,
        _trump_rank(domino, declaration),
        LED_SUIT[declaration][domino],
        sum(FOLLOWS[declaration][suit][domino] << suit for suit in SUITS),
    )


def _trump_rank(domino: int, declaration: Declaration) -> int:
    """0 not called, else 1-7 from the lowest to the highest of the called suit."""
    called = [other for other in DOMINOES if is_called(other, declaration)]
    by_rank = sorted(called, key=lambda other: rank(other, CALLED_SUIT, declaration))
    return by_rank.index(domino) + 1 if domino in called else 0
