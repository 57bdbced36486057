import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.expected_q.games import Game, play_game, play_games
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.schema import COLUMNS
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.transcript import transcript
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import deal_from_seed, hand_name, opening, team
from forge_core.solver.search import search_q


def test_the_fields_are_those_of_the_schema(games: dict[int, Game]):
    for game in games.values():
        assert list(game.columns) == list(COLUMNS)
        for name, column in COLUMNS.items():
            assert game.columns[name].shape == (28, *column.shape)
            assert game.columns[name].dtype == column.dtype


def test_every_stored_game_replays_by_the_rules(games: dict[int, Game]):
    for seed, game in games.items():
        columns, deal = game.columns, deal_from_seed(seed)
        position = opening(deal, seed % 10)
        assert (game.deal, game.declaration, len(game.plays)) == (deal, seed % 10, 28)
        scores = []
        for i, domino in enumerate(game.plays):
            assert columns["player"][i] == position.mover
            assert np.flatnonzero(columns["legal_mask"][i]).tolist() == list(position.legal_slots())
            assert position.domino(position.mover, columns["action_taken"][i]) == domino
            assert tuple(columns["score"][i].tolist()) == position.won
            scores.append((position.mover, position.won))
            position = position.play(int(columns["action_taken"][i]))
        for i, (seat, won) in enumerate(scores):
            gained = [after - before for after, before in zip(position.won, won, strict=True)]
            assert columns["outcome"][i] == gained[team(seat)] - gained[1 - team(seat)]


def test_every_decision_can_be_rebuilt_from_public_information(games: dict[int, Game]):
    for game in games.values():
        for i in range(28):
            seat = int(game.columns["player"][i])
            hand = set(game.deal.hands[seat]) - set(game.plays[:i])
            info = InformationSet.of(Record.of(game.declaration, 0, game.plays[:i]), seat, hand)
            tokens, length = transcript(info)
            np.testing.assert_array_equal(game.columns["transcript_tokens"][i], tokens)
            assert game.columns["transcript_lengths"][i] == length
            assert game.columns["n_worlds"][i] == Worlds.of(info).count


def test_greedy_games_play_the_largest_e_q(games: dict[int, Game]):
    columns = games[3].columns
    chosen = np.take_along_axis(columns["e_q_mean"], columns["action_taken"][:, None].astype(int), axis=1)[:, 0]
    np.testing.assert_allclose(chosen, np.nanmax(columns["e_q_mean"], axis=1), atol=1e-5)
    assert not columns["q_gap"].any()
    assert not columns["exploration_mode"].any()


def test_late_decisions_are_exact_and_end_as_they_say(games: dict[int, Game]):
    columns = games[3].columns
    assert columns["exact"][-4:].all()
    assert not columns["exact"][0]
    np.testing.assert_array_equal(columns["e_q_mean"][-1][columns["legal_mask"][-1]], [columns["outcome"][-1]])
    assert columns["n_worlds"][0] == 399_072_960


def test_unexplored_settings_leave_their_traces(games: dict[int, Game]):
    columns = games[951].columns
    assert set(columns["n_samples"][~columns["exact"]].tolist()) <= {3, 5, 7}
    assert (columns["ess"] <= columns["n_samples"] + 1e-3).all()
    assert (columns["ess"][~columns["exact"]] < columns["n_samples"][~columns["exact"]] - 0.01).any()
    legal = columns["legal_mask"]
    assert ((columns["p_make"][legal] >= 0) & (columns["p_make"][legal] <= 1)).all()
    assert np.isnan(columns["p_make"][~legal]).all()
    assert columns["exploration_mode"].any()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("lockstep", [1, 3])
def test_a_game_is_the_same_whatever_the_batch_and_the_threads(threads: int, lockstep: int, games: dict[int, Game]):
    def search(deals: np.ndarray, declarations: np.ndarray, states: np.ndarray) -> np.ndarray:
        return search_q(deals, declarations, states, threads=threads)

    again = list(play_games([951, 4], ExactOracle(search, "1"), games[951].settings, lockstep=lockstep))
    (same,) = (game for game in again if game.seed == 951)
    for name in COLUMNS:
        np.testing.assert_array_equal(same.columns[name], games[951].columns[name])


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed -1"):
        play_game(-1, ExactOracle(search_q, "1"), EqSettings())


def test_a_generated_game_stays_what_it_was(games: dict[int, Game]):
    """A change of these plays changes every dataset: bump the schema version when it is meant."""
    assert hand_name(games[3].plays) == (
        "2-2,2-0,3-2,5-2,1-1,4-1,6-1,4-3,4-4,0-0,5-4,6-4,6-6,6-5,"
        "5-0,3-0,4-2,4-0,5-1,3-1,5-3,6-3,3-3,5-5,6-2,6-0,2-1,1-0"
    )
