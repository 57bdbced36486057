"""Which deals are generated from which seeds."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from forge_core.errors import InputError
from forge_core.rules import Declaration
from forge_core.shards.request import DealRequest


class DealMode(StrEnum):
    """How seeds become deals.

    standard          each seed's deal under the declaration seed % 10
    all-declarations  each seed's deal under all ten declarations
    marginalized      seat 0 keeps the seed's hand under the declaration seed % 10, while opponent seeds 0, 1, 2 ...
                      deal the other 21 dominoes
    """

    STANDARD = "standard"
    ALL_DECLARATIONS = "all-declarations"
    MARGINALIZED = "marginalized"


def deal_requests(seeds: Iterable[int], mode: DealMode, *, opponent_seeds: int = 3) -> Iterator[DealRequest]:
    """The deals of some seeds, seed by seed (`seeds` may be endless); `opponent_seeds` is for the marginalized mode.

    Raises InputError for a seed below 0 and for less than one opponent seed.
    """
    if opponent_seeds < 1:
        raise InputError.of(
            got=f"{opponent_seeds} opponent seeds", expected="at least 1", remedy="choose how often each hand is dealt"
        )
    for seed in seeds:
        if mode is DealMode.ALL_DECLARATIONS:
            yield from (DealRequest(seed, None, declaration) for declaration in Declaration)
        elif mode is DealMode.MARGINALIZED:
            yield from (DealRequest(seed, opponent, seed % 10) for opponent in range(opponent_seeds))
        else:
            yield DealRequest.standard(seed)
