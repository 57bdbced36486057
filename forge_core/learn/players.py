"""What simple players choose, and what a model's answer makes it choose, as probabilities of the seven slots.

A rule that leaves several plays open chooses any of them alike; its metrics are then exact expectations, not draws.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from forge_core.rules.domino import domino_id
from forge_core.solver.rules_kernel import LED_SUITS, RANKS
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, N_SLOTS, Feature

_DOMINO = np.array([[domino_id(high, low) for low in range(7)] for high in range(7)])

Choice = Float[np.ndarray, "n 7"]
"""Probability of each slot; 0 where it is not legal, 1 in sum."""


def highest_slot(slots: Float[np.ndarray, "n 7"], arrays: TokenArrays) -> Choice:
    """A model plays the legal slot of its highest answer (the lowest of them, were two exactly equal)."""
    choice = np.zeros(slots.shape)
    choice[np.arange(len(slots)), np.where(arrays.legal, slots, -np.inf).argmax(axis=1)] = 1
    return choice


def random_play(arrays: TokenArrays) -> Choice:
    """Any legal slot, all alike."""
    return _alike(arrays.legal)


def highest_rank_play(arrays: TokenArrays) -> Choice:
    """The legal domino of the highest rank in this trick; any of them alike, where several have it.

    The rank is that of the rules (`rules.rank`) in a trick of the led suit; who leads ranks each domino in the suit it
    would lead. So one leads the highest trump, else a double, else the highest pip sum; follows with the highest there
    is; plays the highest trump if one cannot follow; and throws anything away if one can do neither.
    """
    dominoes = _dominoes(arrays, slice(FIRST_HAND, FIRST_HAND + N_SLOTS))
    declaration = arrays.declaration.astype(np.int64)[:, None]
    follows = arrays.mask[:, FIRST_TRICK, None]
    led = np.where(follows, _dominoes(arrays, slice(FIRST_TRICK, FIRST_TRICK + 1)), dominoes)
    rank = np.where(arrays.legal, RANKS[declaration, LED_SUITS[declaration, led], dominoes], -1)
    return _alike(rank == rank.max(axis=1, keepdims=True))


def _alike(open_to_choice: Bool[np.ndarray, "n 7"]) -> Choice:
    return open_to_choice / open_to_choice.sum(axis=1, keepdims=True)


def _dominoes(arrays: TokenArrays, tokens: slice) -> Int64[np.ndarray, "n k"]:
    return _DOMINO[arrays.tokens[:, tokens, Feature.HIGH], arrays.tokens[:, tokens, Feature.LOW]]
