"""Tokens back into positions: what a network is shown, as a person can read it and a solver can check it."""

import numpy as np
from jaxtyping import Bool, Int8

from forge_core.rules import Deal, Position
from forge_core.tokens.vocabulary import CONTEXT, FIRST_HAND, FIRST_TRICK, Feature


def decode(tokens: Int8[np.ndarray, "32 9"], mask: Bool[np.ndarray, "32"]) -> Position:
    """The position that a sample shows, turned so that the mover is seat 0 (who need not have led the first trick).

    Team 0's view of it is the mover's view. Raises InputError when the tokens hold no deal.
    """
    dominoes = tokens[:, Feature.DOMINO].tolist()
    hands = dominoes[FIRST_HAND:FIRST_TRICK]
    held = tokens[FIRST_HAND:FIRST_TRICK, Feature.IS_HELD].reshape(4, 7)
    masks = [int(seat @ (1 << np.arange(7))) for seat in held]
    deal = Deal(tuple(tuple(hands[start : start + 7]) for start in range(0, 28, 7)))
    table = [token for token in range(FIRST_TRICK, len(tokens)) if mask[token]]
    return Position(
        deal,
        int(tokens[CONTEXT, Feature.DECLARATION]),
        held=(masks[0], masks[1], masks[2], masks[3]),
        leader=int(tokens[CONTEXT, Feature.RELATIVE_LEADER]),
        trick=tuple(deal.hands[tokens[t, Feature.RELATIVE_SEAT]].index(dominoes[t]) for t in table),
    )
