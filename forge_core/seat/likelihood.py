"""How likely worlds are, given how the others played: the likelihood of the record's plays under a seat network.

In a world, the actor of a past play held the hand that this world gives it, and saw nothing else. The network says
what each of its legal plays was worth; it is taken to have chosen by a softmax of that at a temperature or, with the
probability `mix`, uniformly. A world's weight is the product of these likelihoods over all plays of the other seats
that were not forced (policy-based inference, see docs/methods.md).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int8
from pydantic import BaseModel, ConfigDict, Field

from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions
from forge_core.players.worlds import DrawnWorlds
from forge_core.seat.encode import N_DOMINOES
from forge_core.seat.model import SeatModel, chance_to_make, expected, legal_slots, utility


class WeightedSettings(BaseModel):
    """How a player that infers the hidden hands from the plays decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    worlds: int = Field(default=500, ge=1, le=100_000, description="Worlds drawn for a decision; all where fewer.")
    temperature: float = Field(
        default=0.05, gt=0, le=10, description="Of the others' choice among their plays, in chance to make the bid."
    )
    mix: float = Field(default=0.1, gt=0, le=1, description="Share of the others' plays that are taken to be random.")
    model: str = Field(default="champion", description="The seat network: a name of the catalog, or a path.")
    seed: int = Field(default=0, ge=0, description="Players of different seeds draw different worlds.")


@dataclass(frozen=True, slots=True)
class PlayLikelihood:
    """Gives the worlds of decisions their weights (see `PimcPlayer.weigh`).

    model        says what the others' plays were worth to them
    temperature  of their choice, in chance to make the bid
    mix          share of plays that are taken to be random
    """

    model: SeatModel
    temperature: float = 0.05
    mix: float = 0.1

    @property
    def digest(self) -> str:
        """Of the network."""
        return self.model.digest

    def __call__(self, decisions: Decisions, worlds: DrawnWorlds) -> Float64[np.ndarray, "r"]:
        """The weight of every world, with the sum 1 over those of a decision."""
        told = self.log_likelihood(decisions, worlds)
        likely = np.exp(told - np.maximum.reduceat(told, worlds.starts[:-1])[worlds.row])
        return likely / np.add.reduceat(likely, worlds.starts[:-1])[worlds.row]

    def log_likelihood(self, decisions: Decisions, worlds: DrawnWorlds) -> Float64[np.ndarray, "r"]:
        """Of the record of each decision in each of its worlds: the sum over the unforced plays of the other seats."""
        d, n = decisions.of(worlds.row), len(worlds.row)
        table = Table.of(Contracts(worlds.deals, d.declarations, d.bidders, d.bids, np.zeros(n, np.int64)))
        rows, told = np.arange(n), np.zeros(n)
        for ply in range(d.ply):
            asked = table.decisions(rows, ply)
            scored = asked.free()
            scored = scored[asked.seats[scored] != d.seats[scored]]
            if len(scored):  # worlds that give the actor the same hand are the same question
                question = worlds.row[scored] << N_DOMINOES | asked.hands[scored]
                _, first, which = np.unique(question, return_index=True, return_inverse=True)
                likelihood = self._likelihood(asked.of(scored[first]), d.plays[scored[first], ply])
                told[scored] += np.log(likelihood)[which]
            table.put(rows, ply, d.plays[:, ply], asked, "record")
        return told

    def _likelihood(self, decisions: Decisions, dominoes: Int8[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        """The probability that the movers choose these dominoes."""
        chances = self.model.chances(decisions)
        worth = utility(chance_to_make(chances, decisions), expected(chances), decisions)
        hands, legal = legal_slots(decisions)
        scaled = np.where(legal, worth / self.temperature, -np.inf)
        choice = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        chosen = (choice * (hands == dominoes[:, None])).sum(axis=1) / choice.sum(axis=1)
        return (1 - self.mix) * chosen + self.mix / legal.sum(axis=1)
