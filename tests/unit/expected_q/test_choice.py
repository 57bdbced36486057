import numpy as np
import pytest
from pydantic import ValidationError

from forge_core.expected_q.choice import Choice, ChoiceMode, choose
from forge_core.expected_q.estimate import Estimate
from forge_core.expected_q.settings import EqSettings, ExplorationSettings, Objective

NAN = np.nan


def values(mean: list[float], p_make: list[float] | None = None) -> Estimate:
    nothing = np.full(7, NAN)
    return Estimate(
        np.array(mean),
        nothing,
        nothing,
        nothing if p_make is None else np.array(p_make),
        np.full((7, 43), NAN),
        nothing,
    )


def draw(estimate: Estimate, settings: EqSettings, *, n: int = 4000, bidding: bool = True) -> list[Choice]:
    rng = np.random.default_rng(0)
    return [choose(estimate, settings, rng, bidding=bidding) for _ in range(n)]


def shares(choices: list[Choice]) -> np.ndarray:
    return np.bincount([choice.slot for choice in choices], minlength=7) / len(choices)


def exploring(**kwargs: object) -> EqSettings:
    return EqSettings(exploration=ExplorationSettings.model_validate(kwargs))


def test_greedy_takes_the_best_and_breaks_ties_at_random():
    choices = draw(values([1, 5, NAN, 5, -3, NAN, 2]), EqSettings())
    np.testing.assert_allclose(shares(choices), [0, 0.5, 0, 0.5, 0, 0, 0], atol=0.03)
    assert {(choice.mode, choice.regret) for choice in choices} == {(ChoiceMode.GREEDY, 0.0)}
    assert choices[0].entropy == pytest.approx(np.log(2))


def test_a_forced_play_has_no_entropy():
    (choice,) = draw(values([NAN, NAN, -4, NAN, NAN, NAN, NAN]), EqSettings(), n=1)
    assert (choice.slot, choice.entropy, choice.regret) == (2, 0.0, 0.0)


def test_epsilon_greedy():
    choices = draw(values([0, 8, NAN, 4, NAN, NAN, NAN]), exploring(mode="epsilon_greedy", epsilon=0.3))
    np.testing.assert_allclose(shares(choices), [0.1, 0.8, 0, 0.1, 0, 0, 0], atol=0.03)
    assert np.mean([choice.mode is ChoiceMode.EPSILON for choice in choices]) == pytest.approx(0.3, abs=0.03)
    assert {choice.regret for choice in choices if choice.slot == 3} == {4.0}


def test_boltzmann():
    choices = draw(values([0, 2, NAN, 4, NAN, NAN, NAN]), exploring(mode="boltzmann", temperature=2.0))
    expected = np.exp([0, 1, -np.inf, 2, -np.inf, -np.inf, -np.inf])
    np.testing.assert_allclose(shares(choices), expected / expected.sum(), atol=0.03)
    p = expected[expected > 0] / expected.sum()
    assert choices[0].entropy == pytest.approx(-(p * np.log(p)).sum())


def test_mixed_blunders_are_small_and_never_the_best():
    settings = exploring(mode="mixed", epsilon=0, temperature=1e-3, blunder_rate=0.25, blunder_max_regret=3)
    choices = draw(values([10, 8, NAN, 4, 9, NAN, NAN]), settings)
    np.testing.assert_allclose(shares(choices), [0.75, 0.125, 0, 0, 0.125, 0, 0], atol=0.03)
    assert {choice.slot for choice in choices if choice.mode is ChoiceMode.BLUNDER} == {1, 4}
    assert ChoiceMode.BLUNDER not in {c.mode for c in draw(values([10, 0, NAN, NAN, NAN, NAN, NAN]), settings, n=50)}


@pytest.mark.parametrize(("bidding", "expected"), [(True, 3), (False, 1)])
def test_the_objective_make_tells_equal_chances_apart_by_points(bidding: bool, expected: int):
    estimate = values([9, 5, NAN, 4, 2, NAN, NAN], [0.5, 0.2, NAN, 0.8, 0.8, NAN, NAN])
    settings = EqSettings(bid=30, objective=Objective.MAKE)
    choices = draw(estimate, settings, n=20, bidding=bidding)
    assert {choice.slot for choice in choices} == {expected}
    assert choices[0].regret == 9 - estimate.mean[expected]


def test_two_numbers_are_drawn_whatever_happens():
    for settings in (EqSettings(), exploring(mode="mixed"), exploring(mode="epsilon_greedy")):
        rng = np.random.default_rng(3)
        choose(values([1, 2, 3, NAN, NAN, NAN, NAN]), settings, rng, bidding=True)
        assert rng.random() == np.random.default_rng(3).random(3)[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"objective": "make"},
        {"bid": 29},
        {"n_worlds": 1},
        {"unknown": 1},
        {"adaptive": {"min_samples": 100, "max_samples": 50}},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        EqSettings.model_validate(wrong)
