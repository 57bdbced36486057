"""What `import forge_core` offers: its examples, its errors, and what it costs."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import forge_core
from forge_core import surface
from forge_core.errors import InputError
from forge_core.rules import deal_from_seed
from forge_core.shards.generate import DealRequest, write_block
from forge_core.shards.settings import ShardSettings


def test_the_documented_examples() -> None:
    outcome = doctest.testmod(surface)
    assert outcome.attempted >= 10
    assert outcome.failed == 0


def test_everything_named_is_there_and_documented() -> None:
    for name in forge_core.__all__:
        assert getattr(forge_core, name).__doc__
        assert name in dir(forge_core)
    with pytest.raises(AttributeError, match="no attribute 'riddle'"):
        _ = forge_core.riddle


def test_importing_loads_nothing_heavy() -> None:
    script = "import sys, forge_core; print(sorted({'numpy', 'polars', 'torch', 'numba'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_q_values_are_those_of_the_solved_deal() -> None:
    table = forge_core.solve(3, 3)
    assert max(forge_core.q_values(3, 3).values()) == table.opening_value
    name, value = next(iter(forge_core.q_values(3, "threes").items()))
    assert max(forge_core.q_values(deal_from_seed(3), 3, name).values()) >= -42
    assert isinstance(value, int)


def test_a_play_from_another_hand_is_refused() -> None:
    other = deal_from_seed(0).hands[1][0]
    with pytest.raises(InputError, match="for seat 0"):
        forge_core.q_values(0, "sixes", [other])


def test_worlds_are_all_of_them_or_a_sample() -> None:
    deal = deal_from_seed(0)
    info = forge_core.information_set(deal.hands[0], "sixes")
    drawn = forge_core.worlds(info, 50)
    assert (drawn[:, :7] == deal.hands[0]).all()
    assert np.array_equal(drawn, forge_core.worlds(info, 50))
    with pytest.raises(InputError, match="399,072,960 worlds"):
        forge_core.worlds(info)


def test_shards_as_a_frame(tmp_path: Path) -> None:
    write_block([DealRequest(seed, None, seed) for seed in (0, 1)], ShardSettings(states_per_deal=100), tmp_path)
    frame = forge_core.open_shards(tmp_path)
    assert frame["seed"].unique().sort().to_list() == [0, 1]
    assert frame.columns[:4] == ["seed", "declaration", "state", "V"]
    with pytest.raises(InputError, match="a folder with"):
        forge_core.open_shards(tmp_path / "nothing")
