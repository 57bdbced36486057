"""The matrix of a hand: the histograms of all declarations, by open hands and by playouts, never mixed up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Int64

from forge_core.bids.histogram import Chance, mean_points, p_make
from forge_core.bids.open_hands import Bidders, open_histograms
from forge_core.bids.playouts import play_histograms
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.players.decisions import AnyPlayer
from forge_core.rules import BIDS, Bid, declaration_name, domino_name
from forge_core.rules.deal import check_hand


class Method(StrEnum):
    """Where a chance comes from: exact values with all hands open, or hands played by seats that see one."""

    OPEN = "open"
    PLAY = "play"


@dataclass(frozen=True, slots=True)
class BidMatrix:
    """What a hand promises under each declaration.

    hand          the seven dominoes, ascending; their holder declares and leads
    declarations  the rows
    counts        per method int64[rows, 43]: how often the holder's team won 0 .. 42 points
    settings      that they were made with
    seed          of the worlds, and of the players
    bidders       what the worlds take others' bids to say; None = nothing
    """

    hand: tuple[int, ...]
    declarations: tuple[int, ...]
    counts: dict[Method, Int64[np.ndarray, "d 43"]]
    settings: BidSettings
    seed: int
    bidders: Bidders | None = None

    @property
    def price(self) -> Method:
        """The method to bid by: playouts where there are any."""
        return Method.PLAY if Method.PLAY in self.counts else Method.OPEN

    def chance(self, method: Method, declaration: int, bid: Bid) -> Chance:
        """P(make) of a bid under a declaration, with its 95 % interval."""
        return p_make(self.counts[method][self.declarations.index(declaration)], bid)

    def mean(self, method: Method, declaration: int) -> float:
        """The mean of the final points."""
        return mean_points(self.counts[method][self.declarations.index(declaration)])

    def best(self, method: Method, bid: Bid) -> int:
        """The declaration that makes a bid most often; among equals the one with the most points."""
        return max(self.declarations, key=lambda d: (self.chance(method, d, bid).p, self.mean(method, d)))

    def as_json(self) -> dict[str, object]:
        """Plain values for JSON: per method and declaration the histogram, and P(make) with its interval by bid."""
        return {
            "hand": [domino_name(domino) for domino in self.hand],
            "seed": self.seed,
            "bidders": None if self.bidders is None else asdict(self.bidders),
            "settings": self.settings.model_dump(),
            "matrix": {
                method.value: {
                    declaration_name(declaration): {
                        "counts": counts.tolist(),
                        "mean_points": mean_points(counts),
                        "p_make": {str(bid): p_make(counts, bid)._asdict() for bid in BIDS},
                    }
                    for declaration, counts in zip(self.declarations, rows, strict=True)
                }
                for method, rows in self.counts.items()
            },
        }


def bid_matrix(
    hand: Sequence[int],
    declarations: Sequence[int],
    settings: BidSettings,
    player: AnyPlayer,
    *,
    seed: int = 0,
    threads: int = 0,
    bidders: Bidders | None = None,
) -> BidMatrix:
    """The matrix of a hand; `player` is the one that `settings.seat_model` names; `threads` = 0 is all cores.

    `bidders` are what the others' bids are taken to say about their hands: nothing, unless asked to.

    Raises InputError unless `hand` is seven different dominoes, or without a declaration.
    """
    hand = check_hand(hand)
    if not declarations:
        raise InputError.of(got="no declaration", expected="at least one", remedy="name one, or all")
    opened = open_histograms(hand, declarations, settings.samples, seed=seed, threads=threads, bidders=bidders)
    counts = {Method.OPEN: opened}
    if settings.playouts:
        counts[Method.PLAY] = play_histograms(hand, declarations, settings, player, seed=seed, bidders=bidders)
    return BidMatrix(hand, tuple(int(each) for each in declarations), counts, settings, seed, bidders)
