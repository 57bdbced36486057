"""E[Q] as a player: every play is valued in worlds that fit what the seat knows, all hands open from then on."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, UInt8, UInt64
from pydantic import BaseModel, ConfigDict, Field

from forge_core.expected_q.oracle import ExactOracle, Oracle
from forge_core.expected_q.posterior import posterior_weights, scored_plays
from forge_core.expected_q.settings import Objective, PosteriorSettings
from forge_core.players.decisions import Decisions, best_declarations
from forge_core.players.simple import pick
from forge_core.players.streams import Purpose, derived_keys, uniform
from forge_core.players.worlds import DrawnWorlds, draw_worlds, known_worlds
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_q, search_reached
from forge_core.solver.state import ILLEGAL

_TOLERANCE = 1e-9


class PimcSettings(BaseModel):
    """How an E[Q] player decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    worlds: int = Field(default=50, ge=1, le=1_000_000, description="Worlds drawn for a decision.")
    enumerate: int | None = Field(
        default=None, ge=0, le=1_000_000, description="Take every world where there are no more; `worlds` by default."
    )
    objective: Objective = Field(default=Objective.MAKE, description="make (or set) the bid, or points.")
    ties: Objective | None = Field(
        default=Objective.POINTS, description="Among plays equally likely to make it: points, or any (none)."
    )
    posterior: float | None = Field(
        default=None, gt=0, le=1000, description="Weigh worlds by the others' last plays at this temperature in points."
    )
    window: int = Field(default=4, ge=1, le=27, description="How many of the last plays the posterior scores.")
    mix: float = Field(default=0.1, ge=0, le=1, description="Share of plays that the posterior takes to be random.")
    seed: int = Field(default=0, ge=0, description="Players of different seeds draw different worlds.")


class Weigh(Protocol):
    """Says how likely the worlds of decisions are.

    digest   of the network that says so
    """

    @property
    def digest(self) -> str:
        """See above."""
        ...

    def __call__(self, decisions: Decisions, worlds: DrawnWorlds, /) -> Float64[np.ndarray, "r"]:
        """The weight of every world, with the sum 1 over those of a decision."""
        ...


@dataclass(frozen=True, slots=True)
class PimcPlayer:
    """Plays what is best on average over worlds.

    oracle    values plays with all hands open
    settings  how many worlds, what is maximised
    threads   of the exact search; 0 = all cores
    name      the text that makes it
    weigh     how likely worlds are; None = as the settings' posterior says, or all alike
    """

    oracle: Oracle
    settings: PimcSettings
    name: str
    threads: int = 0
    weigh: Weigh | None = None

    @property
    def network_digest(self) -> str | None:
        """Of the network that decides its plays; None where the exact solver does."""
        if self.weigh is not None:
            return self.weigh.digest
        return None if self.oracle.name == "exact" else self.oracle.digest

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`."""
        keys = derived_keys(decisions.keys, self.settings.seed)
        answer, rows = decisions.only(), decisions.free()
        if len(rows):
            s, asked = self.settings, decisions.of(rows)
            enumerate_up_to = s.worlds if s.enumerate is None else s.enumerate
            worlds = draw_worlds(asked, derived_keys(keys[rows], Purpose.WORLDS), s.worlds, enumerate_up_to)
            answer[rows] = self.choose(asked, keys[rows], worlds)
        return answer

    def declare(
        self, hands: UInt8[np.ndarray, "n 7"], bids: UInt8[np.ndarray, "n"], keys: UInt64[np.ndarray, "n"]
    ) -> UInt8[np.ndarray, "n"]:
        """The declaration under which seat 0's best lead makes its bid most often over worlds; the lowest of equals."""

        def chances(asked: Decisions) -> Float64[np.ndarray, "n 7"]:
            worlds = draw_worlds(asked, derived_keys(keys, Purpose.WORLDS), self.settings.worlds, self.settings.worlds)
            used = np.diff(worlds.starts)
            return _mean(self._makes(asked, worlds), np.repeat(1.0 / used, used), worlds)

        return best_declarations(hands, bids, keys, chances)

    def choose(self, decisions: Decisions, keys: UInt64[np.ndarray, "n"], worlds: DrawnWorlds) -> Int8[np.ndarray, "n"]:
        """The best domino of each decision over these worlds; what is equally good is drawn by the keys."""
        s = self.settings
        hands = decisions.original_hands()
        legal = decisions.legal()[:, None] >> hands.astype(np.int64) & 1 == 1
        weights = self._weights(decisions, worlds)
        best = legal
        if s.objective is Objective.MAKE:
            chance = _mean(self._makes(decisions, worlds), weights, worlds)
            best = _best(np.where(decisions.bidding()[:, None], chance, 1 - chance), legal)
        if s.objective is Objective.POINTS or s.ties is Objective.POINTS:
            best = self._best_by_points(decisions, worlds, weights, best)
        return hands[np.arange(len(hands)), pick(best, uniform(keys))].astype(np.int8)

    def _makes(self, decisions: Decisions, worlds: DrawnWorlds) -> Float32[np.ndarray, "r 7"]:
        """Whether the bidding team makes its bid, by world and slot; NaN for illegal slots."""
        row, declarations = worlds.row, decisions.declarations[worlds.row]
        margin = 2 * decisions.needed() - decisions.points_left()  # the bidding team's points to go must reach it
        first = decisions.bidders & 1 == 0
        if isinstance(self.oracle, ExactOracle):
            bounds = np.where(first, margin, 1 - margin).astype(np.int16)[row]
            reached = search_reached(worlds.deals, declarations, worlds.states, bounds, threads=self.threads)
            made = np.where(first[row, None], reached, 1 - reached)
            return np.where(reached == ILLEGAL, np.nan, made).astype(np.float32)
        q = self.oracle.q(worlds.deals, declarations, worlds.states)
        q = np.where(decisions.bidding()[row, None], q, -q)
        return np.where(np.isnan(q), np.nan, q >= margin[row, None] - 1.0).astype(np.float32)

    def _best_by_points(
        self,
        decisions: Decisions,
        worlds: DrawnWorlds,
        weights: Float64[np.ndarray, "r"],
        among: Bool[np.ndarray, "n 7"],
    ) -> Bool[np.ndarray, "n 7"]:
        """Those of the slots `among` that win most points on average."""
        tied = among.sum(axis=1) > 1
        rows = np.flatnonzero(tied[worlds.row])
        asked = among[worlds.row[rows]]
        deals, declarations = worlds.deals[rows], decisions.declarations[worlds.row[rows]]
        q = np.zeros((len(worlds.row), 7), np.float32)
        if isinstance(self.oracle, ExactOracle):
            slots = (asked << np.arange(7)).sum(axis=1).astype(np.uint8)
            exact = search_q(deals, declarations, worlds.states[rows], slots=slots, threads=self.threads)
            q[rows] = exact * np.where(decisions.seats[worlds.row[rows]] & 1 == 0, 1, -1)[:, None]
        elif len(rows):
            q[rows] = np.nan_to_num(self.oracle.q(deals, declarations, worlds.states[rows]))
        return _best(_mean(q, weights, worlds), among)

    def _weights(self, decisions: Decisions, worlds: DrawnWorlds) -> Float64[np.ndarray, "r"]:
        """The weight of every world, with the sum 1 over those of a decision."""
        if self.weigh is not None:
            return self.weigh(decisions, worlds)
        used = np.diff(worlds.starts)
        weights = np.repeat(1.0 / used, used)
        if self.settings.posterior is None:
            return weights
        s = self.settings
        settings = PosteriorSettings(enabled=True, tau=self.settings.posterior, window=s.window, mix=s.mix)
        for i in range(len(decisions)):
            of = worlds.of(i)
            deals, info = worlds.deals[of], decisions.information_set(i)
            log_likelihood = np.zeros(len(deals))
            for play in scored_plays(info, deals, settings):
                declarations = np.full(len(play.states), info.record.declaration, np.uint8)
                q = self.oracle.q(deals[play.contested], declarations, play.states)
                log_likelihood += play.log_likelihood(q, settings)
            exact = bool(worlds.counts[i] == len(deals))
            weights[of] = posterior_weights(log_likelihood, settings, exact=exact).weights
        return weights


def exact_pimc(settings: PimcSettings, name: str, threads: int, weigh: Weigh | None = None) -> PimcPlayer:
    """The player whose open hands are valued by the exact solver."""
    return PimcPlayer(ExactOracle(partial(search_q, threads=threads), SOLVER_VERSION), settings, name, threads, weigh)


def _mean(
    values: Float32[np.ndarray, "r 7"], weights: Float64[np.ndarray, "r"], worlds: DrawnWorlds
) -> Float64[np.ndarray, "n 7"]:
    return np.add.reduceat(values.astype(np.float64) * weights[:, None], worlds.starts[:-1], axis=0)


def _best(utility: Float64[np.ndarray, "n 7"], among: Bool[np.ndarray, "n 7"]) -> Bool[np.ndarray, "n 7"]:
    value = np.where(among, utility, -np.inf)
    return among & (value >= value.max(axis=1, keepdims=True) - _TOLERANCE)


@dataclass(frozen=True, slots=True)
class CheatPlayer:
    """Plays exactly with all four hands open, for making (or setting) the bid and then for points: the bound.

    threads   of the search; 0 = all cores
    """

    threads: int = 0
    name: str = "cheat"

    def play_open(self, decisions: Decisions, deals: UInt8[np.ndarray, "n 28"]) -> Int8[np.ndarray, "n"]:
        """See `OpenPlayer.play_open`."""
        player = exact_pimc(PimcSettings(worlds=1), self.name, self.threads)
        return player.choose(decisions, decisions.keys, known_worlds(decisions, deals))
