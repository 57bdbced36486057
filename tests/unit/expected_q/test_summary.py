from pathlib import Path

import numpy as np
import pytest

from forge_core.errors import EmptySplit
from forge_core.expected_q.games import Game
from forge_core.expected_q.summary import summarize
from forge_view.game_plots import draw_summary


def test_a_summary_averages_over_games(games: dict[int, Game], tmp_path: Path):
    both = summarize(games.values())
    assert both.games == 2
    alone = [summarize([game]) for game in games.values()]
    np.testing.assert_allclose(both.sem, (alone[0].sem + alone[1].sem) / 2)
    assert both.exact_share[-1] == 1
    assert both.exact_share[0] == 0
    assert both.sem[-1] == 0
    assert alone[0].ess_share.min() == pytest.approx(1)  # nothing is weighted in it
    assert alone[1].ess_share.min() < 1
    metrics = both.metrics()
    assert metrics["margin"] == np.mean([game.columns["outcome"][0] for game in games.values()])
    assert all(np.isfinite(value) for value in metrics.values())
    draw_summary(tmp_path / "plots" / "games.png", both)
    assert (tmp_path / "plots" / "games.png").read_bytes().startswith(b"\x89PNG")


def test_no_games_no_summary():
    with pytest.raises(EmptySplit):
        summarize([])
