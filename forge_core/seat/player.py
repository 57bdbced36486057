"""Players that see one hand: the network alone, its rollouts, and exact search in worlds that it weighs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int8, Int64, UInt8, UInt64
from pydantic import BaseModel, ConfigDict, Field

from forge_core.errors import InputError
from forge_core.players.decisions import AnyPlayer, Decisions, best_declarations
from forge_core.players.pimc import PimcSettings, exact_pimc
from forge_core.players.registry import settings_of
from forge_core.players.streams import Purpose, derived_keys
from forge_core.players.worlds import draw_worlds
from forge_core.rules.domino import HAND_POINTS
from forge_core.seat.likelihood import PlayLikelihood, WeightedSettings
from forge_core.seat.model import SeatModel, chance_to_make, expected, legal_slots, utility
from forge_core.seat.rollouts import best_plays, rolled_out


class RolloutSettings(BaseModel):
    """How a player that rolls out decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    worlds: int = Field(default=50, ge=1, le=100_000, description="Worlds drawn for a decision; all where fewer.")
    exact: int = Field(
        default=3, ge=0, le=6, description="The last tricks of a rollout that are played exactly with all hands open."
    )
    prior: float = Field(
        default=0, ge=0, le=100_000, description="How many worlds the network's own answer counts for beside them."
    )
    model: str = Field(default="champion", description="The seat network: a name of the catalog, or a path.")
    seed: int = Field(default=0, ge=0, description="Players of different seeds draw different worlds.")


SETTINGS: dict[str, type[RolloutSettings] | type[WeightedSettings]] = {
    "rollout": RolloutSettings,
    "weighted": WeightedSettings,
}
"""Of the players that ask a seat network more than once for a decision, by the kind that their text begins with."""


@dataclass(frozen=True, slots=True)
class SeatPlayer:
    """Plays what the network thinks best: one call a decision.

    model   the network
    name    the text that makes it
    """

    model: SeatModel
    name: str

    @property
    def network_digest(self) -> str:
        """Of the network that decides its plays."""
        return self.model.digest

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        return best_plays(self.model, decisions)

    def declare(
        self, hands: UInt8[np.ndarray, "n 7"], bids: UInt8[np.ndarray, "n"], keys: UInt64[np.ndarray, "n"]
    ) -> UInt8[np.ndarray, "n"]:
        """The declaration under which seat 0's best lead makes its bid most often; the lowest of equals."""
        return best_declarations(hands, bids, keys, lambda asked: chance_to_make(self.model.chances(asked), asked))


@dataclass(frozen=True, slots=True)
class RolloutPlayer:
    """Plays what comes out best when the network plays worlds to the end in all four seats.

    All plays of a decision are rolled out in the same worlds. The result does not depend on threads or on what else is
    decided.
    """

    model: SeatModel
    settings: RolloutSettings
    name: str
    threads: int = 0

    @property
    def network_digest(self) -> str:
        """Of the network that decides its plays."""
        return self.model.digest

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        answer, rows = decisions.only(), decisions.free()
        if len(rows):
            asked = decisions.of(rows)
            hands, legal = legal_slots(asked)
            histogram = self.histograms(asked)
            made, points = _summed_up(histogram, asked)
            if self.settings.prior:
                chances, drawn = self.model.chances(asked), histogram.sum(axis=2).max(axis=1, keepdims=True)
                share = drawn / (drawn + self.settings.prior)
                made = share * made + (1 - share) * chance_to_make(chances, asked)
                points = share * points + (1 - share) * expected(chances)
            worth = np.where(legal, utility(made, points, asked), -np.inf)
            answer[rows] = hands[np.arange(len(rows)), worth.argmax(axis=1)]
        return answer

    def histograms(self, decisions: Decisions) -> Int64[np.ndarray, "n 7 43"]:
        """Per slot in how many worlds the bidding team still wins 0 to 42 points after that play; 0 where illegal.

        Where a single world is left, nothing is hidden from the mover, and its exact values are taken.
        """
        s, d = self.settings, decisions
        keys = derived_keys(derived_keys(d.keys, s.seed), int(Purpose.WORLDS))
        worlds = draw_worlds(d, keys, s.worlds, s.worlds)
        known = worlds.counts[worlds.row] == 1
        world, slot, points = rolled_out(
            self.model, d.of(worlds.row), worlds.deals, known, exact=s.exact, threads=self.threads
        )
        histogram = np.zeros((len(d), 7, HAND_POINTS + 1), np.int64)
        np.add.at(histogram, (worlds.row[world], slot, points), 1)
        return histogram


def _summed_up(
    histogram: Int64[np.ndarray, "n 7 43"], decisions: Decisions
) -> tuple[Float64[np.ndarray, "n 7"], Float64[np.ndarray, "n 7"]]:
    """(chance that the bidding team makes its bid, its mean points to go) per slot."""
    shares = (histogram / np.maximum(1, histogram.sum(axis=2, keepdims=True))).astype(np.float32)
    return chance_to_make(shares, decisions), (shares @ np.arange(HAND_POINTS + 1)).astype(np.float64)


def seat_name(text: str) -> str:
    """The network that the text of a seat or rollout player names."""
    kind, _, rest = text.strip().partition(":")
    if kind != "seat":
        return settings_of(text, rest, SETTINGS[kind]).model
    if not rest.strip() or "," in rest:
        raise InputError.of(
            got=f"the player {text!r}",
            expected='a seat network, as in "seat:champion"',
            remedy="name a network of the catalog, a model folder or an .onnx file",
        )
    return rest.strip()


def make_seat_player(text: str, model: SeatModel, threads: int) -> AnyPlayer:
    """The player of a text "seat:NAME", "rollout:worlds=50" or "weighted:worlds=500" whose network is open."""
    kind, _, rest = text.strip().partition(":")
    if kind == "seat":
        return SeatPlayer(model, text)
    if kind == "rollout":
        return RolloutPlayer(model, settings_of(text, rest, RolloutSettings), text, threads)
    s = settings_of(text, rest, WeightedSettings)
    pimc = PimcSettings(worlds=s.worlds, seed=s.seed)
    return exact_pimc(pimc, text, threads, PlayLikelihood(model, s.temperature, s.mix))
