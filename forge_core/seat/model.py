"""A seat network ready to be asked: what it says of decisions, the same whatever is asked beside them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Float64, Int64

from forge_core.players.decisions import Decisions
from forge_core.seat.encode import N_BINS, Inputs, encode
from forge_core.threads import worker_threads

ROWS, _STEP = 512, 16
"""Information sets that are asked at a time; fewer are filled up to a multiple of 16, so that products of matrices
round alike whatever is asked together."""

POINTS_WEIGHT = 1e-3
"""What a point more is worth beside the chance to make (or set) the bid."""

_BINS = np.arange(N_BINS, dtype=np.float32)

Ask = Callable[[Inputs], tuple[Float32[np.ndarray, "n 7 43"], Float32[np.ndarray, "n 28 3"]]]
"""Inputs -> per slot the chances of the points that the bidding team still wins, and the belief's logits."""


class SeatModel(Protocol):
    """Anything that answers like a trained seat network.

    digest   identifies what computes the answers: the same digest, the same answers
    """

    @property
    def digest(self) -> str:
        """See above."""
        ...

    def chances(self, decisions: Decisions) -> Float32[np.ndarray, "n 7 43"]:
        """Per slot of the mover the chances of the points (0-42) that the bidding team still wins after that play, the
        present trick included; illegal slots hold numbers without meaning.
        """
        ...

    def belief(self, decisions: Decisions) -> Float32[np.ndarray, "n 28 3"]:
        """Per canonical domino (see `encode`) the logits of relative seat 1, 2, 3 holding it."""
        ...


@dataclass(frozen=True, slots=True)
class AskedInRows:
    """A network that is asked a fixed number of rows at a time, by some threads.

    ask      must release the GIL to make use of threads
    """

    ask: Ask
    digest: str
    threads: int = 1

    def chances(self, decisions: Decisions) -> Float32[np.ndarray, "n 7 43"]:
        """See `SeatModel.chances`."""
        return self._asked(decisions)[0]

    def belief(self, decisions: Decisions) -> Float32[np.ndarray, "n 28 3"]:
        """See `SeatModel.belief`."""
        return self._asked(decisions)[1]

    def _asked(self, decisions: Decisions) -> tuple[np.ndarray, np.ndarray]:
        n = len(decisions)
        chances, belief = np.empty((n, 7, N_BINS), np.float32), np.empty((n, 28, 3), np.float32)

        def work(start: int) -> None:
            stop = min(start + ROWS, n)
            rows = np.minimum(np.arange(start, start + -(-(stop - start) // _STEP) * _STEP), n - 1)
            said = self.ask(encode(decisions.of(rows)))
            chances[start:stop], belief[start:stop] = (part[: stop - start] for part in said)

        starts = range(0, n, ROWS)
        if self.threads == 1 or len(starts) < 2:
            for start in starts:
                work(start)
        else:
            with worker_threads(min(self.threads, len(starts))) as pool:
                list(pool.map(work, starts))
        return chances, belief


def chance_to_make(chances: Float32[np.ndarray, "n 7 43"], decisions: Decisions) -> Float64[np.ndarray, "n 7"]:
    """The chance that the bidding team makes its bid, per slot."""
    reached = decisions.needed()[:, None] <= _BINS
    return np.einsum("nsk,nk->ns", chances, reached.astype(np.float32)).astype(np.float64)


def expected(chances: Float32[np.ndarray, "n 7 43"]) -> Float64[np.ndarray, "n 7"]:
    """The points that the bidding team still wins, on average, per slot."""
    return (chances @ _BINS).astype(np.float64)


def utility(
    made: Float64[np.ndarray, "n 7"], points: Float64[np.ndarray, "n 7"], decisions: Decisions
) -> Float64[np.ndarray, "n 7"]:
    """What a slot is worth to the mover: the chance that its side makes (or sets) the bid, and a little for points."""
    worth = made + POINTS_WEIGHT * points
    return np.where(decisions.bidding()[:, None], worth, -worth)


def legal_slots(
    decisions: Decisions,
) -> tuple[Int64[np.ndarray, "n 7"], np.ndarray]:
    """The movers' dealt dominoes, ascending, and which of them may be played."""
    hands = decisions.original_hands().astype(np.int64)
    return hands, decisions.legal()[:, None] >> hands & 1 == 1
