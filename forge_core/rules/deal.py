"""Deals: four sorted hands of seven dominoes, and the two public ways from a seed to a deal."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.errors import InputError
from forge_core.rules.domino import DOMINOES, pips


@dataclass(frozen=True, slots=True)
class Deal:
    """Four hands of seven dominoes each, every hand sorted: slot i of a seat is the i-th domino of its hand.

    Raises InputError when the hands are not a partition of the 28 dominoes.
    """

    hands: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        sizes = [len(hand) for hand in self.hands]
        if sizes != [7] * 4 or sorted(d for hand in self.hands for d in hand) != list(DOMINOES):
            raise InputError.of(
                got=f"hands of {sizes} dominoes: {self.hands}",
                expected="four hands of seven that hold every domino 0-27 once",
                remedy="deal the 28 dominoes without repeating one",
            )
        if any(list(hand) != sorted(hand) for hand in self.hands):
            raise InputError.of(
                got=f"an unsorted hand in {self.hands}",
                expected="every hand sorted by domino id, because slots index the sorted hand",
                remedy="sort the hands",
            )

    @property
    def dominoes(self) -> tuple[int, ...]:
        """The 28 dealt ids: seat 0's seven slots, then seat 1's, 2's and 3's."""
        return tuple(domino for hand in self.hands for domino in hand)

    @classmethod
    def of(cls, dominoes: Sequence[int]) -> "Deal":
        """The deal whose seats hold four consecutive slices of seven of `dominoes` (28 ids), each sorted here."""
        return cls(tuple(tuple(sorted(int(d) for d in dominoes[i : i + 7])) for i in range(0, 28, 7)))


MAX_SEED = 2**63 - 1
"""The largest seed, of deals and of everything else: what the integer columns of all files can hold."""


def check_seed(seed: int, name: str = "seed") -> int:
    """The seed itself; InputError when it is not from 0 to `MAX_SEED`."""
    if not 0 <= seed <= MAX_SEED:
        raise InputError.of(
            got=f"{name} {seed}", expected=f"a {name} from 0 to {MAX_SEED} (2^63 - 1)", remedy="choose another seed"
        )
    return seed


def deal_from_seed(seed: int) -> Deal:
    """The deal of a seed: `random.Random(seed)` shuffles 0-27, four slices of seven, each sorted. A public format."""
    dominoes = list(DOMINOES)
    random.Random(check_seed(seed)).shuffle(dominoes)
    return Deal.of(dominoes)


def deal_with_fixed_hand(hand: Sequence[int], opponent_seed: int) -> Deal:
    """The deal in which seat 0 holds `hand` and `random.Random(opponent_seed)` deals the 21 others. A public format.

    Raises InputError unless `hand` is seven different dominoes.
    """
    check_hand(hand)
    others = [domino for domino in DOMINOES if domino not in hand]
    random.Random(check_seed(opponent_seed, "opponent seed")).shuffle(others)
    return Deal.of([*hand, *others])


def check_hand(hand: Sequence[int]) -> tuple[int, ...]:
    """The hand, sorted; InputError unless it is seven different dominoes."""
    if len(hand) != 7 or len(set(hand)) != 7 or not all(domino in DOMINOES for domino in hand):
        twice = sorted({domino for domino in hand if domino in DOMINOES and list(hand).count(domino) > 1})
        repeated = ", ".join("-".join(map(str, pips(domino))) for domino in twice)
        raise InputError.of(
            got=f"a hand of {len(hand)} dominoes" + (f" with {repeated} more than once" if repeated else ""),
            expected="seven different dominoes",
            remedy='write the hand as in "6-6,6-5,6-4,6-2,6-1,6-0,2-2"',
        )
    return tuple(sorted(hand))
