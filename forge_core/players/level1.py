"""The best response for making (or setting) the bid to seats of a lower level, over worlds.

The idea is that of a published player; this is written from its description. In each of the sampled worlds the other
seats, partner included, play what is best for their team if all four played at random from then on. The mover answers
best over all the worlds together: it chooses one play for all the worlds that look alike to it, and learns from what
the others play which worlds are left.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8
from pydantic import BaseModel, ConfigDict, Field

from forge_core.players.decisions import Decisions
from forge_core.players.level1_kernel import Contract, best_response, new_tree
from forge_core.players.simple import pick
from forge_core.players.streams import Purpose, derived_keys, uniform
from forge_core.players.worlds import draw_worlds
from forge_core.threads import worker_threads


class Level1Settings(BaseModel):
    """How `level1` decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    worlds: int = Field(default=50, ge=1, le=100_000, description="Worlds drawn for a decision, all where no more.")
    playouts: int = Field(default=32, ge=1, le=10_000, description="Random playouts that value a play of another seat.")
    seed: int = Field(default=0, ge=0, description="Players of different seeds draw different worlds.")


@dataclass(frozen=True, slots=True)
class Level1Player:
    """See the module.

    threads   that share the decisions
    """

    settings: Level1Settings
    name: str = "level1"
    threads: int = 1

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        s, d = self.settings, decisions
        keys = derived_keys(d.keys, s.seed)
        worlds = draw_worlds(d, derived_keys(keys, Purpose.WORLDS), s.worlds, s.worlds)
        playout_keys = derived_keys(keys, Purpose.PLAYOUTS)
        legal = d.legal()
        won = np.full((len(d), 28), -1, np.int64)

        def respond(rows: range) -> None:
            tree = new_tree(s.worlds)
            for row in rows:
                if legal[row] & (legal[row] - 1) == 0:
                    won[row] = legal[row] >> np.arange(28) & 1
                    continue
                numbers = (d.declarations[row], d.bids[row], d.bidders[row], d.seats[row], s.playouts)
                contract = Contract(*(np.int64(number) for number in numbers))
                best_response(worlds.deals[worlds.of(row)], d.plays[row], playout_keys[row], contract, tree, won[row])

        n = max(1, self.threads)
        with worker_threads(n) as pool:
            list(pool.map(respond, (range(i, len(d), n) for i in range(n))))
        return pick(won == won.max(axis=1, keepdims=True), uniform(keys))
