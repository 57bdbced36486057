"""Rollouts of a seat network as an oracle of E[Q]: nobody sees a hidden hand, then or later."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from pydantic import BaseModel, ConfigDict, Field

from forge_core.expected_q.oracle import EvaluationRequest
from forge_core.players.decisions import decisions_of
from forge_core.seat.model import SeatModel
from forge_core.seat.rollouts import rolled_out

USUAL_BID = 30


class RolloutOracleSettings(BaseModel):
    """What the text of this oracle says, as in "rollout:exact=3,model=champion"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exact: int = Field(default=3, ge=0, le=6, description="The last tricks that are exact, with all hands open.")
    model: str = Field(default="champion", description="The seat network: a name of the catalog, or a path.")


@dataclass(frozen=True, slots=True)
class RolloutOracle:
    """Values a play in a world by what comes of it when the network plays on in all four seats.

    A decision that asks about one world alone has no other: its values are exact.

    model    plays in all four seats
    exact    the last tricks that are played exactly with all hands open
    bid      that the network plays for; None = 30
    threads  of the exact search; 0 = all cores
    """

    model: SeatModel
    exact: int = 3
    bid: int | None = None
    threads: int = 0

    @property
    def name(self) -> str:
        """See `Oracle`."""
        return f"rollouts of a seat network, the last {self.exact} tricks exact"

    @property
    def digest(self) -> str:
        """The network's."""
        return self.model.digest

    def values(self, requests: Sequence[EvaluationRequest]) -> list[Float32[np.ndarray, "n 7"]]:
        """See `HiddenHandsOracle`."""
        answers = [np.full((len(request.states), 7), np.nan, np.float32) for request in requests]
        plays = [len(request.info.record.plays) for request in requests]
        for ply in sorted(set(plays)):
            of_ply = [i for i in range(len(requests)) if plays[i] == ply]
            sizes = np.array([len(requests[i].states) for i in of_ply])
            asked = decisions_of([requests[i].info for i in of_ply], self.bid or USUAL_BID)
            asked = asked.of(np.repeat(np.arange(len(of_ply)), sizes))
            deals = np.concatenate([requests[i].deals for i in of_ply])
            row, slot, points = rolled_out(
                self.model, asked, deals, np.repeat(sizes == 1, sizes), exact=self.exact, threads=self.threads
            )
            q = np.full((len(asked), 7), np.nan, np.float32)
            q[row, slot] = np.where(asked.bidding(), 1, -1)[row] * (2 * points - asked.points_left()[row])
            for i, part in zip(of_ply, np.split(q, np.cumsum(sizes)[:-1]), strict=True):
                answers[i] = part
        return answers
