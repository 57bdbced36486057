"""A trick: four dominoes in the order of play, the first one led."""

from collections.abc import Sequence

from forge_core.rules.declaration import led_suit, rank
from forge_core.rules.domino import count_points


def trick_winner(dominoes: Sequence[int], declaration: int) -> int:
    """The place (0-3 in the order of play) of the winner among the dominoes played so far (at least the led one)."""
    suit = led_suit(dominoes[0], declaration)
    ranks = [rank(domino, suit, declaration) for domino in dominoes]
    return ranks.index(max(ranks))


def trick_points(dominoes: Sequence[int]) -> int:
    """The points of a complete trick: one for the trick and its count dominoes."""
    return 1 + sum(count_points(domino) for domino in dominoes)
