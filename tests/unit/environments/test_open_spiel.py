"""OpenSpiel's own consistency tests, its bots, and the worlds behind an information state (extra `rl`)."""

from typing import Any

import numpy as np
import pytest

pyspiel = pytest.importorskip("pyspiel", reason="pip install 'crystal-forge[rl]'")
from open_spiel.python.algorithms import ismcts, mcts  # noqa: E402

import forge_core.environments.open_spiel  # noqa: E402, F401  registers the game

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def _dealt(game: Any, seed: int) -> Any:
    chance, state = np.random.default_rng(seed), game.new_initial_state()
    while state.is_chance_node():
        state.apply_action(int(chance.choice([outcome for outcome, _ in state.chance_outcomes()])))
    return state


@pytest.mark.parametrize("parameters", [{}, {"declaration": 6}, {"bid": 30}])
def test_open_spiel_finds_it_consistent(parameters: dict[str, int]) -> None:
    game = pyspiel.load_game("texas_42", parameters)
    pyspiel.random_sim_test(game, num_sims=5, serialize=True, verbose=False)


def test_a_state_survives_serialisation() -> None:
    game = pyspiel.load_game("texas_42", {"declaration": 6})
    state = _dealt(game, 1)
    state.apply_action(state.legal_actions()[0])
    _, copy = pyspiel.deserialize_game_and_state(pyspiel.serialize_game_and_state(game, state))
    assert str(copy) == str(state)


def test_resampled_states_look_the_same_to_the_seat() -> None:
    state, chance = _dealt(pyspiel.load_game("texas_42"), 2), np.random.default_rng(0)
    different = 0
    while not state.is_terminal():
        player = state.current_player()
        other = state.resample_from_infostate(player, chance.random)
        assert other.information_state_string(player) == state.information_state_string(player)
        assert other.information_state_tensor(player) == state.information_state_tensor(player)
        assert other.legal_actions() == state.legal_actions()
        different += str(other) != str(state)
        state.apply_action(int(chance.choice(state.legal_actions())))
    assert different > 15
    assert sum(state.returns()) == 0


def test_its_search_plays_to_the_end_and_beats_chance() -> None:
    game = pyspiel.load_game("texas_42", {"declaration": 6})
    chance = np.random.RandomState(0)
    total = 0.0
    for seed in range(4):
        state = _dealt(game, seed)
        search = mcts.MCTSBot(game, 2, 40, mcts.RandomRolloutEvaluator(1, chance), random_state=chance)
        bots = [search, pyspiel.make_uniform_random_bot(1, 7), search, pyspiel.make_uniform_random_bot(3, 8)]
        while not state.is_terminal():
            state.apply_action(bots[state.current_player()].step(state))
        total += state.returns()[0]
    assert total > 0


def test_information_set_search_uses_our_worlds() -> None:
    game = pyspiel.load_game("texas_42", {"declaration": 6})
    evaluator = mcts.RandomRolloutEvaluator(1, np.random.RandomState(0))
    bot = ismcts.ISMCTSBot(game, evaluator, 2, 30, random_state=np.random.RandomState(0))
    state = _dealt(game, 5)
    assert bot.step(state) in state.legal_actions()
