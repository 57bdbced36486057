"""Statistics against scipy, brute force and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from forge_core.arena.statistics import (
    Sprt,
    bootstrap_mean,
    bradley_terry,
    mcnemar_p,
    mcnemar_z,
    pairs_needed,
)
from forge_core.intervals import wilson


@settings(deadline=None)
@given(st.integers(0, 4000), st.integers(0, 4000))
def test_mcnemar_is_the_binomial_test(only_a: int, only_b: int) -> None:
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar_p(only_a, only_b) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert mcnemar_z(only_a, only_b) == -mcnemar_z(only_b, only_a)


def test_mcnemar_z_squared_is_the_chi_square_statistic() -> None:
    assert mcnemar_z(48, 25) == pytest.approx(2.6919, abs=1e-4)
    assert stats.chi2.sf(mcnemar_z(48, 25) ** 2, 1) == pytest.approx(stats.chisquare([48, 25]).pvalue)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_is_scipys(successes: int, failures: int) -> None:
    n = successes + failures
    if n == 0:
        assert wilson(0, 0) == (0.0, 1.0)
        return
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_bootstrap_is_that_by_brute_force() -> None:
    rng = np.random.default_rng(3)
    values = rng.choice([-1.0, 0.0, 1.0], size=400, p=[0.1, 0.7, 0.2])
    brute = values[rng.integers(0, 400, size=(20_000, 400))].mean(axis=1)
    assert bootstrap_mean(values) == pytest.approx(tuple(np.quantile(brute, [0.025, 0.975])), abs=0.004)
    assert bootstrap_mean(values) == bootstrap_mean(values.copy())


def test_bootstrap_intervals_cover_the_mean() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        low, high = bootstrap_mean(rng.choice([-1.0, 0.0, 1.0], size=200, p=[0.1, 0.7, 0.2]), resamples=1000)
        covered += low <= 0.1 <= high
    assert 0.92 <= covered / 300 <= 0.98


def test_the_pairs_that_are_needed_find_the_difference_four_times_in_five() -> None:
    needed = pairs_needed(55, 45, 500)
    assert needed is not None
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(500):
        discordant = rng.binomial(needed, 0.2)
        only_a = int(rng.binomial(discordant, 0.55))
        found += abs(mcnemar_z(only_a, int(discordant) - only_a)) > 1.96
    assert 0.74 <= found / 500 <= 0.86
    assert pairs_needed(7, 7, 100) is None


@pytest.mark.parametrize("truth", [0.5, 0.55])
def test_the_sequential_test_keeps_its_error_rates(truth: float) -> None:
    rng, test = np.random.default_rng(2), Sprt(0.5, 0.55)
    wrong = 0
    for _ in range(400):
        decided = test.decide(rng.random(12_000) < truth)
        assert decided is not None
        wrong += decided[0] != ("null" if truth == 0.5 else "alternative")
    assert wrong / 400 < 0.05 + 2 * 0.011


def test_the_sequential_test_looks_at_no_pair_after_its_decision() -> None:
    wins = np.random.default_rng(4).random(3000) < 0.6
    decided = Sprt(0.5, 0.55).decide(wins)
    assert decided is not None
    at = decided[1]
    assert Sprt(0.5, 0.55).decide(wins[:at]) == decided
    assert Sprt(0.5, 0.55).decide(wins[: at - 1]) is None


def test_ratings_are_the_maximum_of_the_likelihood() -> None:
    wins = np.array([[0, 30, 44], [20, 0, 31], [11, 19, 0]])

    def loss(free: np.ndarray) -> float:
        theta = np.append(free, -free.sum())
        p = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
        w = wins + 0.5 * (1 - np.eye(3))
        return -float((w * np.log(p)).sum())

    best = optimize.minimize(loss, np.zeros(2), tol=1e-12).x
    ratings = bradley_terry(wins)
    assert ratings.elo == pytest.approx(np.append(best, -best.sum()) * 400 / np.log(10), abs=0.01)
    assert ratings.elo[0] > ratings.elo[1] > ratings.elo[2]


def test_rating_intervals_cover_the_truth() -> None:
    truth = np.array([80.0, 0.0, -80.0])
    p = 1 / (1 + 10 ** ((truth[None, :] - truth[:, None]) / 400))
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(200):
        wins = np.zeros((3, 3), int)
        for i in range(3):
            for j in range(i):
                wins[i, j] = rng.binomial(150, p[i, j])
                wins[j, i] = 150 - wins[i, j]
        ratings = bradley_terry(wins)
        covered += int((np.abs(ratings.elo - truth) <= ratings.half_width).sum())
    assert 0.92 <= covered / 600 <= 0.98


def test_who_won_everything_has_a_finite_rating() -> None:
    ratings = bradley_terry(np.array([[0, 9], [0, 0]]))
    assert np.isfinite(ratings.elo).all()
    assert ratings.elo[0] > 0 > ratings.elo[1]
