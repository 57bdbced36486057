import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from forge_core.errors import DamagedFile, EmptySplit, SchemaMismatch
from forge_core.expected_q.collate import METADATA_KEY, collate
from forge_core.expected_q.files import write_game
from forge_core.expected_q.games import Game, play_game
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.schema import COLUMNS
from forge_core.solver.search import search_q


def test_one_row_a_decision(games: dict[int, Game], tmp_path: Path):
    later = play_game(903, ExactOracle(search_q, "1"), games[3].settings)
    for game in (later, games[3]):
        write_game(game, tmp_path / "games")
    output = tmp_path / "out" / "eq.parquet"
    assert collate(tmp_path / "games", output) == 56
    frame = pl.read_parquet(output)
    assert frame.height == 56
    assert frame["seed"].to_list() == [3] * 28 + [903] * 28
    assert frame["split"].to_list() == ["train"] * 28 + ["val"] * 28
    assert frame["play"].to_list() == [*range(28), *range(28)]
    for name, column in COLUMNS.items():
        expected = np.concatenate([games[3].columns[name], later.columns[name]])
        found = frame[name].to_numpy().reshape(56, *column.shape)
        np.testing.assert_array_equal(found, expected)
    metadata = json.loads(pq.read_schema(output).metadata[METADATA_KEY])
    assert metadata["oracle"] == {"name": "exact", "digest": "1"}
    assert list(output.parent.iterdir()) == [output]


def test_games_of_different_settings_are_not_mixed(games: dict[int, Game], tmp_path: Path):
    for game in (games[3], games[951]):
        write_game(game, tmp_path)
    with pytest.raises(SchemaMismatch, match="Collate folders of different games apart"):
        collate(tmp_path, tmp_path / "eq.parquet")
    assert not list(tmp_path.glob("*.parquet*"))


def test_an_empty_folder_and_a_damaged_game(games: dict[int, Game], tmp_path: Path):
    with pytest.raises(EmptySplit):
        collate(tmp_path, tmp_path / "eq.parquet")
    path = write_game(games[3], tmp_path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DamagedFile):
        collate(tmp_path, tmp_path / "eq.parquet")
