"""Rollouts as an oracle of E[Q] games: what they say where it is known, and that nothing beside them changes it."""

import numpy as np
import pytest
from pydantic import ValidationError

from forge_core.expected_q.games import play_games
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import EvaluationRequest, ExactOracle, HiddenHandsOracle
from forge_core.expected_q.schema import COLUMNS
from forge_core.expected_q.settings import EqSettings, PosteriorSettings
from forge_core.expected_q.states import states_before
from forge_core.expected_q.worlds import Worlds
from forge_core.seat.model import AskedInRows
from forge_core.seat.oracle import RolloutOracle
from forge_core.solver.search import search_q
from tests.unit.seat.conftest import decisions_at, drawn_network, some_contracts

EXACT = ExactOracle(search_q, "1")


def requests_at(ply: int, n: int, worlds: int) -> list[EvaluationRequest]:
    decisions, found = decisions_at(some_contracts(n), ply), list[EvaluationRequest]()
    for row in range(n):
        info: InformationSet = decisions.information_set(row)
        deals = Worlds.of(info).draw(worlds, np.random.default_rng(row))
        found.append(EvaluationRequest(deals, info.record.declaration, states_before(deals, info.record), info))
    return found


def test_it_is_asked_as_one_that_hides_hands(model: AskedInRows) -> None:
    assert isinstance(RolloutOracle(model), HiddenHandsOracle)
    assert not isinstance(EXACT, HiddenHandsOracle)


@pytest.mark.parametrize("ply", [7, 15, 23])
def test_before_an_exact_trick_it_is_the_exact_value(model: AskedInRows, ply: int) -> None:
    """After the last play of a trick the rest is played with open hands."""
    requests = requests_at(ply, 6, 5)
    for request, q in zip(requests, RolloutOracle(model, exact=6).values(requests), strict=True):
        declarations = np.full(5, request.declaration, np.uint8)
        np.testing.assert_array_equal(q, EXACT.q(request.deals, declarations, request.states))


def test_one_world_alone_is_exact_and_several_are_played_on(model: AskedInRows) -> None:
    alone, several = requests_at(12, 8, 1), requests_at(12, 8, 6)
    differing = 0
    for request, q in zip(alone, RolloutOracle(model).values(alone), strict=True):
        declarations = np.full(1, request.declaration, np.uint8)
        np.testing.assert_array_equal(q, EXACT.q(request.deals, declarations, request.states))
    for request, q in zip(several, RolloutOracle(model).values(several), strict=True):
        declarations = np.full(6, request.declaration, np.uint8)
        differing += int((np.nan_to_num(q - EXACT.q(request.deals, declarations, request.states)) != 0).sum())
    assert differing > 20


def test_games_do_not_depend_on_their_neighbours_or_on_threads() -> None:
    from forge_core.seat.torch_model import torch_seat

    settings = EqSettings(n_worlds=3, enumerate_up_to=3, bid=31, rollout_exact=3)
    found: list[dict[str, np.ndarray]] = []
    for threads, lockstep in ((1, 1), (2, 4)):
        oracle = RolloutOracle(torch_seat(drawn_network(), threads=threads), 3, 31, threads)
        games = {game.seed: game for game in play_games(range(4), oracle, settings, lockstep=lockstep)}
        found.append(games[2].columns)
        assert games[2].oracle == (oracle.name, oracle.digest)
    for name in COLUMNS:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    legal = found[0]["legal_mask"]
    np.testing.assert_allclose(found[0]["p_final"][legal].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found[0]["p_final"][legal][:, 31:].sum(axis=1), found[0]["p_make"][legal], atol=1e-5)


def test_posterior_weights_of_open_hands_are_refused() -> None:
    with pytest.raises(ValidationError, match="rollouts with posterior weights"):
        EqSettings(rollout_exact=3, posterior=PosteriorSettings(enabled=True))
