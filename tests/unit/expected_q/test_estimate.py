import numpy as np

from forge_core.expected_q.decision import Valuation, run_coroutine, value_plays
from forge_core.expected_q.estimate import estimate, final_points
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.posterior import uniform_weights
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import AdaptiveSettings, EqSettings
from forge_core.expected_q.streams import Purpose, stream
from forge_core.rules import deal_from_seed, team
from forge_core.solver import reference
from forge_core.solver.search import search_q

ORACLE = ExactOracle(search_q, "1")


def value(info: InformationSet, settings: EqSettings, seed: int = 0) -> Valuation:
    return run_coroutine(value_plays(info, settings, stream(seed, Purpose.WORLDS, 0)), ORACLE)


def test_enumeration_gives_the_mean_over_all_worlds(late_position, brute_force):
    for seed in range(4):
        info, truth = late_position(seed, 8)
        sign = 1 if team(info.seat) == 0 else -1
        rows = []
        for deal in brute_force(info):
            position = type(truth)(deal, truth.declaration, held=(127,) * 4)
            for domino in info.record.plays:
                position = position.play(deal.hands[position.mover].index(domino))
            rows.append([np.nan if q is None else sign * q for q in reference.q(position)])
        valuation = value(info, EqSettings())
        assert valuation.exact
        assert valuation.converged
        assert valuation.n_samples == valuation.n_worlds == len(rows)
        np.testing.assert_allclose(valuation.estimate.mean, np.mean(rows, axis=0))
        np.testing.assert_allclose(valuation.estimate.variance, np.var(rows, axis=0), atol=1e-9)
        np.testing.assert_array_equal(np.nan_to_num(valuation.estimate.sem), 0)


def test_the_sample_mean_is_within_its_sem_as_often_as_it_should_be(late_position):
    info, _ = late_position(5, 11)
    exact = value(info, EqSettings()).estimate
    inside = []
    for seed in range(300):
        drawn = value(info, EqSettings(n_worlds=400, enumerate_up_to=0), seed).estimate
        inside.append(np.abs(drawn.mean - exact.mean)[exact.legal] <= drawn.sem[exact.legal])
    share = np.mean(inside, axis=0)
    assert (exact.variance[exact.legal] > 1).any()
    spread = exact.variance[exact.legal] > 1
    np.testing.assert_allclose(share[spread], 0.683, atol=0.08)


def test_in_the_last_trick_the_estimate_is_the_outcome(late_position):
    for seed in range(10):
        info, position = late_position(seed, 1)
        (slot,) = position.legal_slots()
        end = position.play(slot)
        gained = [after - before for after, before in zip(end.won, position.won, strict=True)]
        valuation = value(info, EqSettings())
        assert valuation.n_worlds == 1
        assert valuation.estimate.mean[slot] == gained[team(info.seat)] - gained[1 - team(info.seat)]


def test_banked_points_count_towards_the_bid(late_position):
    for seed in range(10):
        info, position = late_position(seed, 1)
        (slot,) = position.legal_slots()
        final = position.play(slot).won[0]
        for bid in (max(30, final), max(30, final) + 1):
            if bid <= 42:
                p_make = value(info, EqSettings(bid=bid)).estimate.p_make[slot]
                assert p_make == float(final >= bid)


def test_without_a_bid_there_is_no_p_make(late_position):
    info, _ = late_position(0, 5)
    assert np.isnan(value(info, EqSettings()).estimate.p_make).all()


def test_final_points_for_both_teams():
    record = Record.of(0, 0, ())  # nothing banked, 42 to go: q = 18 is 30 points for the mover's team
    q = np.array([[18, 17, -18, -19, np.nan, 0, 42]], np.float32)
    np.testing.assert_array_equal(final_points(q, record, 0), [[30, 30, 12, 12, -1, 21, 42]])
    np.testing.assert_array_equal(final_points(q, record, 1), [[12, 13, 30, 31, -1, 21, 0]])
    predicted = np.array([[44.1, -43, 15.9]], np.float32)
    np.testing.assert_array_equal(final_points(predicted, record, 0), [[42, 0, 29]])


def test_every_bid_can_be_read_from_the_final_points(late_position):
    for seed in range(6):
        info, _ = late_position(seed, 11)
        found = [value(info, EqSettings(bid=bid, n_worlds=30, enumerate_up_to=0)).estimate for bid in (30, 34, 42)]
        legal = found[0].legal
        assert np.isnan(found[0].p_final[~legal]).all()
        np.testing.assert_allclose(found[0].p_final[legal].sum(axis=1), 1)
        for bid, values in zip((30, 34, 42), found, strict=True):
            np.testing.assert_allclose(values.p_final[legal, bid:].sum(axis=1), values.p_make[legal], atol=1e-12)
        bidders, sign = team(info.record.first_leader), 1 if team(info.seat) == team(info.record.first_leader) else -1
        points = found[0].p_final[legal] @ np.arange(43) - info.record.won[bidders]
        np.testing.assert_allclose(sign * (2 * points - info.record.points_left), found[0].mean[legal], atol=1e-5)


def test_a_weighted_sample_has_the_error_of_its_effective_size():
    rng = np.random.default_rng(0)
    q = rng.normal(size=(1000, 7)).astype(np.float32)
    half = np.where(np.arange(1000) < 500, 1 / 500, 0.0)
    final = np.zeros((1000, 7), np.int64)
    by_weight = estimate(q, half, final=final, exact=False)
    by_size = estimate(q[:500], uniform_weights(500).weights, final=final[:500], exact=False)
    np.testing.assert_allclose(by_weight.mean, by_size.mean, rtol=1e-6)
    np.testing.assert_allclose(by_weight.variance, by_size.variance, rtol=1e-6)
    np.testing.assert_allclose(by_weight.sem, by_size.sem, rtol=1e-6)
    np.testing.assert_allclose(by_size.variance, q[:500].var(axis=0, ddof=1), rtol=1e-4)


def test_best_shares_count_ties_for_every_best_play():
    q = np.array([[1, 1, 0], [2, 0, 0], [0, 3, 0], [5, 5, 5]], np.float32)
    q = np.hstack([q, np.full((4, 4), np.nan, np.float32)])
    share = estimate(q, uniform_weights(4).weights, final=np.zeros((4, 7), np.int64), exact=True).best_share
    np.testing.assert_allclose(share[:3], [0.75, 0.75, 0.25])
    assert np.isnan(share[3:]).all()


def test_adaptive_sampling_stops_at_the_threshold(late_position):
    info, _ = late_position(5, 13)

    def adaptive(threshold: float, most: int) -> Valuation:
        settings = AdaptiveSettings(
            enabled=True, min_samples=20, batch_samples=15, max_samples=most, sem_threshold=threshold
        )
        return value(info, EqSettings(enumerate_up_to=0, adaptive=settings))

    done = adaptive(1.5, 2000)
    assert done.converged
    assert np.nanmax(done.estimate.sem) <= 1.5
    assert (done.n_samples - 20) % 15 == 0
    assert 20 < done.n_samples < 2000
    stopped = adaptive(0.01, 40)
    assert not stopped.converged
    assert stopped.n_samples == 40


def test_the_opening_can_be_valued():
    info = InformationSet.of(Record.of(0, 0, ()), 0, deal_from_seed(0).hands[0])
    valuation = value(info, EqSettings(n_worlds=2))
    assert valuation.n_worlds == 399_072_960
    assert not valuation.exact
