from pathlib import Path

import numpy as np
import pytest
import torch

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.files import read_game, relative_path, write_game
from forge_core.expected_q.games import Game
from forge_core.expected_q.schema import COLUMNS


def test_a_game_comes_back_as_it_was(games: dict[int, Game], tmp_path: Path):
    for seed, split in ((3, "train"), (951, "test")):
        path = write_game(games[seed], tmp_path)
        assert path == tmp_path / split / f"seed_{seed:08d}.pt"
        again = read_game(path)
        for name in COLUMNS:
            np.testing.assert_array_equal(again.columns[name], games[seed].columns[name])
        assert (again.seed, again.deal, again.declaration) == (seed, games[seed].deal, seed % 10)
        assert (again.plays, again.settings) == (games[seed].plays, games[seed].settings)
        assert again.oracle == games[seed].oracle


def test_plain_torch_reads_it(games: dict[int, Game], tmp_path: Path):
    content = torch.load(write_game(games[951], tmp_path), weights_only=True)
    assert content["transcript_tokens"].shape == (28, 36, 8)
    assert content["transcript_tokens"].dtype == torch.int8
    metadata = content["metadata"]
    assert metadata["seed"] == 951
    assert metadata["oracle"] == {"name": "exact", "digest": "1"}
    assert metadata["settings"]["posterior"]["enabled"] is True
    assert metadata["random_keys"]["purposes"] == {"worlds": 1, "choice": 2}


def test_the_same_game_gives_the_same_bytes_and_leaves_nothing_else(games: dict[int, Game], tmp_path: Path):
    written = [write_game(games[3], tmp_path / name) for name in ("a", "b")]
    assert written[0].read_bytes() == written[1].read_bytes()
    assert [path.name for path in written[0].parent.iterdir()] == [written[0].name]


def test_missing_lists_gaps_and_damage_in_order(games: dict[int, Game], tmp_path: Path):
    assert Games().missing(tmp_path / "nowhere", [4, 3]) == [4, 3]
    write_game(games[951], tmp_path)
    path = write_game(games[3], tmp_path)
    assert Games().missing(tmp_path, [5, 951, 3, 1]) == [5, 1]
    path.write_bytes(path.read_bytes()[:-100])
    assert Games().missing(tmp_path, [5, 951, 3]) == [5, 3]


def test_a_truncated_file_is_damaged(games: dict[int, Game], tmp_path: Path):
    path = write_game(games[3], tmp_path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DamagedFile, match="generate this seed again"):
        read_game(path)


def test_a_file_that_runs_code_is_not_loaded(tmp_path: Path):
    path = tmp_path / "evil.pt"
    torch.save({"schema_version": 1, "metadata": print}, path)
    with pytest.raises(DamagedFile):
        read_game(path)


def test_another_schema_version_is_refused(games: dict[int, Game], tmp_path: Path):
    path = write_game(games[3], tmp_path)
    content = torch.load(path, weights_only=True)
    torch.save(content | {"schema_version": 99}, path)
    with pytest.raises(SchemaMismatch, match="version 99"):
        read_game(path)
    torch.save(content | {"e_q_mean": torch.zeros(27, 7)}, path)
    with pytest.raises(DamagedFile, match="e_q_mean"):
        read_game(path)


def test_a_game_of_version_1_is_read_without_what_came_later(games: dict[int, Game], tmp_path: Path):
    path = write_game(games[951], tmp_path)
    content = torch.load(path, weights_only=True)
    old = {name: value for name, value in content.items() if name != "p_final"} | {"schema_version": 1}
    content["metadata"]["settings"].pop("rollout_exact")
    torch.save(old, path)
    again = read_game(path)
    assert np.isnan(again.columns["p_final"]).all()
    assert again.settings == games[951].settings
    for name in set(COLUMNS) - {"p_final"}:
        np.testing.assert_array_equal(again.columns[name], games[951].columns[name])
    assert not Games().missing(tmp_path, [951])


def test_a_path_without_a_file_is_bad_input(tmp_path: Path):
    with pytest.raises(InputError, match="Check the path"):
        read_game(tmp_path / "nothing.pt")


def test_a_negative_seed_has_no_path():
    with pytest.raises(InputError):
        relative_path(-1)
