"""Texas 42 as a PettingZoo AEC environment: four agents, 28 actions, an action mask in every observation."""

# the extra `rl` need not be installed where types are checked, and OpenSpiel has none
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

import random
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv

from forge_core.environments.hand_play import HandPlay, check_bid
from forge_core.environments.observation import SIZE, bits, observe
from forge_core.errors import InputError
from forge_core.rules import Deal, declaration_name, domino_name, hand_name, parse_declaration
from forge_core.rules.domino import DOMINOES

AGENTS = ["seat_0", "seat_1", "seat_2", "seat_3"]
_SEAT = {agent: seat for seat, agent in enumerate(AGENTS)}


class Texas42(AECEnv[str, dict[str, np.ndarray], int | None]):
    """One hand of Texas 42; seat 0 has declared and leads.

    Observations are {"observation": int8[240], "action_mask": int8[28]} (see `observation`), actions dominoes 0-27. An
    illegal one raises InputError. Without a bid, the reward of a play that ends a trick is the trick's points for the
    winners and as many less for the others; with a bid, the last play brings a mark: 1 to seats 0 and 2 and -1 to the
    others when they made it, and the reverse when not.

    Args:
        declaration: a name or number; None = drawn with every deal.
        bid: 30-42 to play for marks; None = for points.
        render_mode: "ansi" for text, "human" to print it after every play, or None.
    """

    metadata = {"name": "texas_42_v0", "render_modes": ["ansi", "human"], "is_parallelizable": False}

    def __init__(
        self, *, declaration: str | int | None = None, bid: int | None = None, render_mode: str | None = None
    ) -> None:
        super().__init__()
        self.possible_agents = list(AGENTS)
        self.render_mode = render_mode
        self._fixed = None if declaration is None else int(parse_declaration(declaration))
        self._bid = check_bid(bid)
        self._random = random.Random()
        actions, seen = len(DOMINOES), spaces.Box(0, 42, (SIZE,), np.int8)
        self._spaces = {
            agent: spaces.Dict({"observation": seen, "action_mask": spaces.Box(0, 1, (actions,), np.int8)})
            for agent in AGENTS
        }
        self._actions = {agent: spaces.Discrete(actions) for agent in AGENTS}

    def observation_space(self, agent: str) -> Any:
        """The space of what an agent sees."""
        return self._spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The 28 dominoes."""
        return self._actions[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Deal a hand.

        Args:
            seed: of this and all later deals; none = go on with the present series.
            options: {"deal": Deal} and {"declaration": name or number} fix what would be drawn.
        """
        if seed is not None:
            self._random = random.Random(seed)
        given = options or {}
        dominoes = list(DOMINOES)
        self._random.shuffle(dominoes)
        drawn = self._random.randrange(10)
        if "declaration" in given:
            drawn = int(parse_declaration(given["declaration"]))
        elif self._fixed is not None:
            drawn = self._fixed
        self.hand = HandPlay(given.get("deal") or Deal.of(dominoes), drawn)
        self.agents = list(AGENTS)
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in AGENTS}
        self.agent_selection = AGENTS[0]

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        """What an agent sees; the action mask is all 0 unless it is its turn."""
        seat, hand = _SEAT[agent], self.hand
        mask = 0 if seat != hand.mover or hand.is_over else hand.legal_mask()
        return {"observation": observe(hand, seat), "action_mask": bits(mask)}

    def step(self, action: int | None) -> None:
        """The selected agent plays a domino; None once the hand is over."""
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)  # removes the agent; action is None
            return
        if action is None:
            raise InputError.of(got="no action", expected="a domino 0-27", remedy="choose among the action mask")
        self.hand.play(int(action))
        self._cumulative_rewards[agent] = 0.0
        result = self.hand.last_points if self._bid is None else self.hand.result(self._bid)
        self.rewards = dict(zip(AGENTS, (result, -result, result, -result), strict=True))
        if self.hand.is_over:
            self.terminations = dict.fromkeys(AGENTS, True)
        self.agent_selection = AGENTS[self.hand.mover]
        if result:
            self._accumulate_rewards()
        if self.render_mode == "human":
            self.render()

    def render(self) -> str | None:
        """The hands, the present trick and the points as text; printed when the mode is "human"."""
        hand = self.hand
        lines = [f"{declaration_name(hand.declaration)}, points {hand.won[0]} to {hand.won[1]}"]
        for seat in range(4):
            mark = ">" if seat == hand.mover and not hand.is_over else " "
            held = [domino for domino in DOMINOES if hand.held[seat] >> domino & 1]
            lines.append(f"{mark} seat {seat}: {hand_name(held)}")
        on_table = hand.plays[len(hand.plays) - len(hand.plays) % 4 :]
        lines.append("trick: " + " ".join(domino_name(domino) for domino in on_table))
        text = "\n".join(lines)
        if self.render_mode == "human":
            print(text)  # noqa: T201
            return None
        return text

    def close(self) -> None:
        """Nothing is open."""
