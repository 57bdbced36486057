from pathlib import Path

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.shards.generate import write_deal
from forge_core.shards.read import inspect, read_group, read_shard
from forge_core.shards.request import DealRequest
from forge_core.shards.schema import Q_COLUMNS
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.table import read_table
from forge_core.solver import state
from forge_core.solver.value_table import solve

REQUEST = DealRequest(1, None, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    write_deal(REQUEST, ShardSettings(keep=Keep.TABLE), folder)
    return folder


def test_every_value_comes_back_from_the_table(folder: Path) -> None:
    stored, table = read_table(folder / REQUEST.relative_path()), solve(REQUEST.deal(), REQUEST.declaration)
    assert (stored.deal, stored.declaration) == (table.deal, table.declaration)
    states = np.concatenate([table.sample(20_000, np.random.default_rng(1)), [state.OPENING]])
    np.testing.assert_array_equal(stored.q(states), table.q(states))
    np.testing.assert_array_equal(stored.value(states), table.value(states))


def test_a_table_shard_holds_the_states_between_tricks(folder: Path) -> None:
    shard = read_shard(folder / REQUEST.relative_path())
    parts = state.fields(shard.frame["state"].to_numpy())
    table = solve(REQUEST.deal(), REQUEST.declaration)
    assert shard.metadata.sampling is None
    assert (parts.n_played == 0).all()
    np.testing.assert_array_equal(np.bincount(parts.plays_left)[::4], table.states_by_plays_left[::4])
    size = (folder / REQUEST.relative_path()).stat().st_size
    assert size < 0.15 * shard.metadata.reachable_states


def test_what_cannot_be_reached_is_refused(folder: Path, shard: Path) -> None:
    stored = read_table(folder / REQUEST.relative_path())
    with pytest.raises(InputError, match="reach"):
        stored.value(np.array([0]))
    with pytest.raises(InputError, match=r"samples.*table"):
        read_table(shard)


@pytest.mark.slow
def test_an_all_shard_holds_every_state_in_small_pieces(tmp_path: Path) -> None:
    receipt = write_deal(REQUEST, ShardSettings(keep=Keep.ALL), tmp_path)
    path = tmp_path / receipt.relative_path
    info = inspect(path)
    table = solve(REQUEST.deal(), REQUEST.declaration)
    assert receipt.rows == sum(info.group_rows) == table.reachable_states
    assert max(info.group_rows) <= 1 << 16
    assert path.stat().st_size < 3 * receipt.rows
    for group in (0, len(info.group_rows) // 2, len(info.group_rows) - 1):
        frame = read_group(path, group)
        states = frame["state"].to_numpy()
        start = sum(info.group_rows[:group])
        np.testing.assert_array_equal(states, table.states(np.arange(start, start + len(states))))
        np.testing.assert_array_equal(frame.select(Q_COLUMNS).to_numpy(), table.q(states))
        np.testing.assert_array_equal(frame["V"].to_numpy(), table.value(states))
