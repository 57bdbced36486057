"""Texas 42 as an OpenSpiel game in Python: import this module, then `pyspiel.load_game("texas_42")`.

Parameters: `declaration` 0-9 (-1: a chance node draws it first), `bid` 30-42 for marks (0: points). Chance deals the 28
dominoes, seven to seat 0, then to 1, 2 and 3. Actions of players are dominoes 0-27; returns are those of the team.
"""

# the extra `rl` need not be installed where types are checked, and OpenSpiel has none
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from collections.abc import Callable
from typing import Any

import numpy as np
import pyspiel

from forge_core.environments.hand_play import HandPlay, check_bid, members
from forge_core.environments.observation import SIZE, observe
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import Deal, declaration_name, domino_name, hand_name, parse_declaration
from forge_core.rules.domino import DOMINOES

_TYPE = pyspiel.GameType(
    short_name="texas_42",
    long_name="Texas 42",
    dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
    chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
    information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
    utility=pyspiel.GameType.Utility.ZERO_SUM,
    reward_model=pyspiel.GameType.RewardModel.TERMINAL,
    max_num_players=4,
    min_num_players=4,
    provides_information_state_string=True,
    provides_information_state_tensor=True,
    provides_observation_string=True,
    provides_observation_tensor=True,
    parameter_specification={"declaration": -1, "bid": 0},
)


class Game(pyspiel.Game):
    """The game of one hand."""

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        given = {"declaration": -1, "bid": 0, **(params or {})}
        self.declaration = None if given["declaration"] < 0 else int(parse_declaration(given["declaration"]))
        self.bid = check_bid(given["bid"] or None)
        most = 42.0 if self.bid is None else 1.0
        info = pyspiel.GameInfo(
            num_distinct_actions=28,
            max_chance_outcomes=28,
            num_players=4,
            min_utility=-most,
            max_utility=most,
            utility_sum=0.0,
            max_game_length=28,
        )
        super().__init__(_TYPE, info, given)

    def new_initial_state(self, *_: Any) -> "State":
        """Before the deal."""
        return State(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> "Observer":
        """See `Observer`."""
        return Observer(iig_obs_type or pyspiel.IIGObservationType(perfect_recall=False), params)


class State(pyspiel.State):
    """A hand, from the first chance node to its end."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.declaration = game.declaration
        self.bid = game.bid
        self.dealt: list[int] = []
        self.hand: HandPlay | None = None

    def current_player(self) -> int:
        """The seat to play, or chance, or the end."""
        if self.hand is None:
            return pyspiel.PlayerId.CHANCE
        return pyspiel.PlayerId.TERMINAL if self.hand.is_over else self.hand.mover

    def _legal_actions(self, player: int) -> list[int]:
        assert self.hand is not None
        return list(members(self.hand.legal_mask())) if player == self.hand.mover else []

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """The declarations, or the dominoes that are not dealt yet; all equally likely."""
        outcomes = list(range(10)) if self.declaration is None else [d for d in DOMINOES if d not in self.dealt]
        return [(outcome, 1 / len(outcomes)) for outcome in outcomes]

    def _apply_action(self, action: int) -> None:
        if self.hand is not None:
            self.hand.play(action)
        elif self.declaration is None:
            self.declaration = action
        else:
            self.dealt.append(action)
            if len(self.dealt) == len(DOMINOES):
                self.hand = HandPlay(Deal.of(self.dealt), self.declaration)

    def _action_to_string(self, player: int, action: int) -> str:
        if player != pyspiel.PlayerId.CHANCE:
            return domino_name(action)
        return declaration_name(action) if self.declaration is None else f"deal {domino_name(action)}"

    def is_terminal(self) -> bool:
        """Whether all dominoes are played."""
        return self.hand is not None and self.hand.is_over

    def returns(self) -> list[float]:
        """Points won minus those of the other team, or marks with a bid; 0 before the end."""
        result = float(self.hand.result(self.bid)) if self.hand is not None and self.hand.is_over else 0.0
        return [result, -result, result, -result]

    def resample_from_infostate(self, player: int, probability_sampler: Callable[[], float]) -> "State":
        """A state that `player` cannot tell from this one, drawn uniformly from all such deals.

        Args:
            player: the seat that looks.
            probability_sampler: draws from [0, 1); keys the draw.
        """
        assert self.hand is not None
        assert self.declaration is not None
        hand, held = self.hand, members(self.hand.held[player])
        info = InformationSet(Record.of(self.declaration, 0, hand.plays), player, held)
        worlds = Worlds.of(info)
        rank = min(int(probability_sampler() * worlds.count), worlds.count - 1)
        deal = worlds.deals(np.array([rank], np.int64))[0].tolist()
        state = self.get_game().new_initial_state()
        chosen = [] if state.declaration is not None else [self.declaration]
        for action in (*chosen, *deal, *hand.plays):
            state.apply_action(action)
        return state

    def __str__(self) -> str:
        called = "" if self.declaration is None else declaration_name(self.declaration)
        if self.hand is None:
            return f"{called} dealt {hand_name(self.dealt)}"
        hands = " | ".join(hand_name(members(mask)) for mask in self.hand.held)
        return f"{called} hands {hands} plays {hand_name(self.hand.plays)}"


class Observer:
    """What a seat sees (`observation`); with perfect recall also which play was the first, second ... 28th."""

    def __init__(self, iig_obs_type: Any, params: Any) -> None:
        if params:
            raise ValueError(f"no observation parameters are known, got {params}")
        self.recall = iig_obs_type.perfect_recall
        self.private = iig_obs_type.private_info == pyspiel.PrivateInfoType.SINGLE_PLAYER
        plays = 28 * 28 if self.recall else 0
        self.tensor = np.zeros(4 + SIZE + plays, np.float32)
        self.dict = {"player": self.tensor[:4], "seen": self.tensor[4 : 4 + SIZE]}
        if self.recall:
            self.dict["plays"] = self.tensor[4 + SIZE :].reshape(28, 28)

    def set_from(self, state: State, player: int) -> None:
        """Put what a seat sees into `tensor`."""
        self.tensor.fill(0)
        self.dict["player"][player] = 1
        if state.hand is None:
            return
        self.dict["seen"][:] = observe(state.hand, player)
        if not self.private:
            self.dict["seen"][:28] = 0
        if self.recall:
            for index, domino in enumerate(state.hand.plays):
                self.dict["plays"][index, domino] = 1

    def string_from(self, state: State, player: int) -> str:
        """The same as text."""
        if state.hand is None:
            dealt = state.dealt[7 * player : 7 * player + 7] if self.private else ()
            return f"seat {player} {state.declaration} holds {hand_name(sorted(dealt))}"
        hand = state.hand
        parts = [f"seat {player}", declaration_name(hand.declaration)]
        parts += [f"holds {hand_name(members(hand.held[player]))}"] if self.private else []
        if self.recall:
            return " ".join([*parts, f"plays {hand_name(hand.plays)}"])
        on_table = hand.plays[len(hand.plays) - len(hand.plays) % 4 :]
        played = [
            hand_name(sorted(d for d, by in zip(hand.plays, hand.seats, strict=True) if by == s)) for s in range(4)
        ]
        return " ".join([*parts, f"table {hand_name(on_table)}", "played", *played, f"points {hand.won}"])


pyspiel.register_game(_TYPE, Game)
