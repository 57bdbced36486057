from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from states import Oracle, arrays_of

from configs.evaluation import EvaluationSettings
from forge_core.learn.evaluation import Evaluation, evaluate_beside
from forge_core.learn.plots import draw_calibration, draw_regret
from forge_core.shards.split import Split, split_of
from forge_core.shards.strategy import Strategy
from forge_core.tokens.arrays import TokenArrays


@pytest.fixture(scope="module")
def states() -> TokenArrays:
    rng = np.random.default_rng(0)
    q = [rng.integers(-42, 43, size=rng.integers(1, 8)).tolist() for _ in range(9000)]
    return arrays_of(q, plays_left=rng.integers(1, 29, size=9000).tolist(), seed=sorted(rng.integers(0, 50, size=9000)))


@pytest.fixture(scope="module")
def of_oracle(states: TokenArrays) -> Evaluation:
    return evaluate_beside(Oracle(states), states)


def test_players_stand_side_by_side(of_oracle: Evaluation, states: TokenArrays) -> None:
    assert list(of_oracle.players) == ["model", "highest_rank", "random_play"]
    assert of_oracle.model.overall.q_gap == 0
    assert of_oracle.players["random_play"].overall.q_gap > 5
    assert {metrics.overall.samples for metrics in of_oracle.players.values()} == {len(states)}
    assert Evaluation.model_validate_json(of_oracle.model_dump_json()) == of_oracle


def test_batches_are_counted(states: TokenArrays) -> None:
    counts: list[int] = []
    evaluate_beside(Oracle(states), states, counts.append)
    assert sum(counts) == len(states)
    assert len(counts) == 3


def test_who_knows_everything_is_calibrated(of_oracle: Evaluation, states: TokenArrays) -> None:
    for name, samples in (("q", states.legal.sum()), ("value", len(states))):
        bins = of_oracle.calibration[name]
        assert sum(each.samples for each in bins) == samples
        assert [each.predicted for each in bins] == pytest.approx([each.exact for each in bins])
        assert max(each.spread for each in bins) <= 0.5  # two whole numbers of points in a bin


def test_plots_are_pictures(of_oracle: Evaluation, tmp_path: Path) -> None:
    draw_regret(tmp_path / "regret.png", of_oracle.players, "a title")
    draw_calibration(tmp_path / "calibration.png", of_oracle, "a title")
    for path in tmp_path.iterdir():
        assert np.ptp(imread(path)[..., :3]) > 0.5
    assert {path.name for path in tmp_path.iterdir()} == {"regret.png", "calibration.png"}


@pytest.mark.parametrize("split", [Split.VAL, Split.TEST])
def test_states_come_from_a_split_that_nothing_learns_from(split: Split) -> None:
    seeds = EvaluationSettings.model_validate({"split": split, "deals": 120}).seeds()
    assert len(set(seeds)) == 120
    assert {split_of(seed) for seed in seeds} == {split}


def test_at_least_half_a_million_states_of_each_strategy() -> None:
    settings = EvaluationSettings.model_validate({})
    assert settings.deals * settings.states_per_deal >= 500_000
    assert settings.strategies == tuple(Strategy)
    assert settings.shards(Strategy.PLAYED).strategy == "played"
