import numpy as np
import pytest

from forge_core.errors import ModelError
from forge_core.expected_q.decision import run_coroutine, value_plays
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.posterior import posterior_weights, scored_plays, uniform_weights
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings, PosteriorSettings
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import Deal, opening
from forge_core.solver import reference, state
from forge_core.solver.search import search_q

SETTINGS = PosteriorSettings(enabled=True, window=4, tau=2.0, mix=0.05)


def test_likelihoods_are_those_of_the_actors_positions_at_that_time(late_position, reference_oracle):
    """Against the plain definition: replay each world from its initial hands, score each play where it was made."""
    info, _ = late_position(3, 7)
    deals = Worlds.of(info).enumerate(20_000)
    found = np.zeros(len(deals))
    for play in scored_plays(info, deals, SETTINGS):
        rows = deals[play.contested]
        q = reference_oracle.q(rows, np.full(len(rows), info.record.declaration), play.states)
        found += play.log_likelihood(q, SETTINGS)
    expected = [_log_likelihood(Deal.of(row.tolist()), info) for row in deals]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.ptp(expected) > 0.1


def _log_likelihood(deal: Deal, info: InformationSet) -> float:
    position, total = opening(deal, info.record.declaration), 0.0
    for index, domino in enumerate(info.record.plays):
        seat, legal = position.mover, position.legal_slots()
        slot = deal.hands[seat].index(domino)
        if index >= len(info.record.plays) - SETTINGS.window and seat != info.seat:
            sign = 1 if seat % 2 == 0 else -1
            q = np.array([sign * value for value in reference.q(position) if value is not None])
            softmax = np.exp((q - q.max()) / SETTINGS.tau)
            chosen = softmax[legal.index(slot)] / softmax.sum()
            total += np.log((1 - SETTINGS.mix) * chosen + SETTINGS.mix / len(legal))
        position = position.play(slot)
    return total


def test_own_plays_and_older_plays_are_not_scored(late_position):
    info, _ = late_position(3, 10)
    deals = Worlds.of(info).draw(3, np.random.default_rng(0))
    window = info.record.seats[-SETTINGS.window :]
    assert len(list(scored_plays(info, deals, SETTINGS))) == sum(seat != info.seat for seat in window)


def test_one_world_is_nearly_certain(late_position):
    """A cool temperature and no mixing: the weight goes to the worlds in which the others did not blunder."""
    sharp = PosteriorSettings(enabled=True, window=8, tau=0.05, mix=0)
    certain = 0
    for seed in range(40):
        info, _ = late_position(seed, 6)
        settings = EqSettings(posterior=sharp)
        valuation = run_coroutine(value_plays(info, settings, np.random.default_rng(0)), ExactOracle(search_q, "1"))
        if valuation.n_worlds > 1 and valuation.weights.max_w > 0.999:
            certain += 1
            deals = Worlds.of(info).enumerate(20_000)
            best = deals[valuation.weights.weights.argmax()]
            position = opening(Deal.of(best.tolist()), info.record.declaration)
            for domino in info.record.plays:
                position = position.play(position.deal.hands[position.mover].index(domino))
            sign = 1 if info.seat % 2 == 0 else -1
            q = [np.nan if value is None else sign * value for value in reference.q(position)]
            np.testing.assert_allclose(valuation.estimate.mean, q, atol=0.2)
            assert valuation.weights.ess < 1.01
            assert not valuation.weights.low_ess
    assert certain >= 3


def test_a_world_that_cannot_have_produced_the_record_weighs_nothing(late_position):
    info, _ = late_position(1, 9)
    deals = Worlds.of(info).draw(4, np.random.default_rng(0))
    last = [i for i, seat in enumerate(info.record.seats) if seat != info.seat][-1]
    actor, domino = info.record.seats[last], info.record.plays[last]
    other = next(seat for seat in info.others if seat != actor)
    wrong = deals[0].copy()
    at, taken = int(np.flatnonzero(wrong == domino)[0]), 7 * other
    wrong[at], wrong[taken] = wrong[taken], wrong[at]
    deals[0] = wrong
    play = next(scored_plays(info, deals, SETTINGS))
    log_likelihood = play.log_likelihood(np.zeros((int(play.contested.sum()), 7), np.float32), SETTINGS)
    assert log_likelihood[0] == -np.inf
    assert np.isfinite(log_likelihood[1:]).all()
    assert posterior_weights(log_likelihood, SETTINGS, exact=False).weights[0] == 0


def test_equal_likelihoods_weigh_the_same():
    weights = posterior_weights(np.full(40, -3.0), SETTINGS, exact=False)
    uniform = uniform_weights(40)
    np.testing.assert_allclose(weights.weights, uniform.weights)
    assert (weights.ess, weights.max_w, weights.low_ess) == (pytest.approx(40), pytest.approx(1 / 40), False)
    assert weights.entropy == pytest.approx(uniform.entropy)


def test_log_weights_are_clipped():
    settings = PosteriorSettings(enabled=True, log_clip=2.0, min_ess=1.0)
    weights = posterior_weights(np.array([0.0, -1.0, -50.0]), settings, exact=False).weights
    np.testing.assert_allclose(weights / weights[0], [1, np.exp(-1), np.exp(-2)])


def test_a_low_effective_size_mixes_in_just_enough_uniform_weight():
    log_likelihood = np.concatenate([[0.0], np.full(98, -20.0), [-np.inf]])
    weights = posterior_weights(log_likelihood, PosteriorSettings(enabled=True, min_ess=8.0), exact=False)
    assert weights.low_ess
    assert weights.ess == pytest.approx(1.0, abs=0.01)
    assert 1 / (weights.weights**2).sum() == pytest.approx(8.0)
    assert weights.weights.sum() == pytest.approx(1.0)
    assert weights.weights[-1] == 0
    assert not posterior_weights(log_likelihood, PosteriorSettings(enabled=True), exact=True).low_ess


def test_no_possible_world_is_an_error():
    with pytest.raises(ModelError, match="no world could have produced"):
        posterior_weights(np.full(3, -np.inf), SETTINGS, exact=True)


def test_before_the_first_play_there_is_nothing_to_score():
    record = Record.of(0, 0, ())
    info = InformationSet.of(record, 0, range(7))
    deals = Worlds.of(info).draw(3, np.random.default_rng(0))
    assert list(scored_plays(info, deals, SETTINGS)) == []
    assert state.pack(opening(Deal.of(deals[0].tolist()), 0)) == state.OPENING
