import shutil
from pathlib import Path

import numpy as np
import pytest

from forge_core.errors import DamagedFile, DataError, EmptySplit, InputError, SchemaMismatch
from forge_core.shards.generate import write_deal
from forge_core.shards.read import read_shard
from forge_core.shards.request import DealRequest
from forge_core.shards.schema import Q_COLUMNS
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.shards.split import Split
from forge_core.solver import state
from forge_core.solver.search import search_q
from forge_core.tokens.arrays import FIELDS
from forge_core.tokens.dataset import load_split, tokenize
from forge_core.tokens.decode import decode
from forge_core.tokens.settings import TokenSettings
from tests.tokens import as_format_1


@pytest.fixture(scope="session")
def token_folder(shard_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("tokens")
    tokenize([shard_folder], output, TokenSettings())
    return output


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_samples_carry_the_rows_of_their_shards(shard_folder: Path, token_folder: Path) -> None:
    arrays = load_split(token_folder, Split.TRAIN)
    shards = [read_shard(path) for path in sorted((shard_folder / "train").glob("*.parquet"))]
    q = np.concatenate([shard.frame.select(Q_COLUMNS).to_numpy() for shard in shards])
    parts = state.fields(np.concatenate([shard.frame["state"].to_numpy() for shard in shards]))
    sign = np.where(parts.mover % 2 == 0, 1, -1)
    assert len(arrays) == 600
    np.testing.assert_array_equal(arrays.legal, q != state.ILLEGAL)
    np.testing.assert_array_equal(arrays.q, np.where(arrays.legal, q * sign[:, None], state.ILLEGAL))
    np.testing.assert_array_equal(arrays.v, np.concatenate([shard.frame["V"].to_numpy() for shard in shards]) * sign)
    np.testing.assert_array_equal(arrays.v, arrays.q.max(axis=1))
    np.testing.assert_array_equal(arrays.best, arrays.q == arrays.v[:, None])
    np.testing.assert_array_equal(arrays.plays_left, parts.plays_left)
    np.testing.assert_array_equal(arrays.seed, np.repeat([1, 4], 300))
    np.testing.assert_array_equal(arrays.declaration, np.repeat([1, 4], 300))


@pytest.mark.parametrize("split", list(Split))
def test_decoded_samples_are_solved_to_the_same_q(token_folder: Path, split: Split) -> None:
    """The search knows nothing of shards; the training split holds a deal with an opponent seed."""
    arrays = load_split(token_folder, split)
    positions = [decode(tokens, mask) for tokens, mask in zip(arrays.tokens, arrays.mask, strict=True)]
    assert {position.mover for position in positions} == {0}
    q = search_q(
        np.array([position.deal.dominoes for position in positions], np.uint8),
        np.array([position.declaration for position in positions], np.uint8),
        np.array([state.pack(position) for position in positions]),
    )
    np.testing.assert_array_equal(q, arrays.q)


def test_the_number_of_threads_changes_nothing(shard_folder: Path, token_folder: Path, tmp_path: Path) -> None:
    tokenize([shard_folder], tmp_path / "one", TokenSettings(), threads=1)
    assert files(tmp_path / "one") == files(token_folder)


def test_several_folders_count_as_one(shard_folder: Path, token_folder: Path, tmp_path: Path) -> None:
    for split in Split:
        shutil.copytree(shard_folder / split, tmp_path / split.value / split)
    tokenize([tmp_path / split for split in reversed(Split)], tmp_path / "out", TokenSettings())
    assert files(tmp_path / "out") == files(token_folder)


def test_filters_and_draws(shard_folder: Path, tmp_path: Path) -> None:
    settings = TokenSettings(samples_per_shard=50, fewest_plays_left=5, most_plays_left=11, drop_forced=True)
    manifest = tokenize([shard_folder], tmp_path / "a", settings)
    arrays = load_split(tmp_path / "a", Split.TRAIN)
    assert manifest.samples == {Split.TRAIN: 100, Split.VAL: 50, Split.TEST: 50}
    assert set(arrays.plays_left) <= set(range(5, 12))
    assert (arrays.legal.sum(axis=1) > 1).all()
    tokenize([shard_folder], tmp_path / "b", settings.model_copy(update={"seed": 1}))
    assert not np.array_equal(arrays.tokens, load_split(tmp_path / "b", Split.TRAIN).tokens)


def test_memory_mapped_arrays_are_the_same(token_folder: Path) -> None:
    ram, mapped = load_split(token_folder, Split.VAL), load_split(token_folder, Split.VAL, memory_map=True)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(ram, name), getattr(mapped, name))


@pytest.mark.parametrize("memory_map", [False, True])
def test_format_version_1_is_read(token_folder: Path, tmp_path: Path, *, memory_map: bool) -> None:
    shutil.copytree(token_folder, tmp_path / "old")
    as_format_1(tmp_path / "old")
    assert np.load(tmp_path / "old" / "train" / "tokens.npy").shape == (600, 32, 12)
    for split in Split:
        ours, theirs = load_split(token_folder, split), load_split(tmp_path / "old", split, memory_map=memory_map)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_progress_counts_samples(shard_folder: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    tokenize([shard_folder], tmp_path / "out", TokenSettings(), on_progress=seen.append)
    assert seen == [300, 600, 900, 1200]


def test_an_empty_split_is_named(shard_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(shard_folder / "train", tmp_path / "shards" / "train")
    tokenize([tmp_path / "shards"], tmp_path / "out", TokenSettings())
    with pytest.raises(EmptySplit, match="'test'"):
        load_split(tmp_path / "out", Split.TEST)


def test_no_sample_at_all_leaves_nothing_behind(shard_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EmptySplit, match="filters"):
        tokenize([shard_folder], tmp_path / "out", TokenSettings(fewest_plays_left=28, most_plays_left=28))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_shard_leaves_nothing_behind(shard_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(shard_folder, tmp_path / "shards")
    victim = next((tmp_path / "shards" / "val").iterdir())
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 3] ^= 1
    victim.write_bytes(raw)
    with pytest.raises(DamagedFile, match=victim.name):
        tokenize([tmp_path / "shards"], tmp_path / "out", TokenSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_a_shard_in_the_wrong_split_is_refused(shard_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(shard_folder / "test", tmp_path / "shards" / "train")
    with pytest.raises(DataError, match=r"train/seed_00000951_decl_1.*'test/seed_00000951_decl_1"):
        tokenize([tmp_path / "shards"], tmp_path / "out", TokenSettings())


def test_bad_inputs_are_refused(shard_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="twice"):
        tokenize([shard_folder, shard_folder], tmp_path / "out", TokenSettings())
    with pytest.raises(InputError, match="no shards"):
        tokenize([tmp_path / "nowhere"], tmp_path / "out", TokenSettings())
    with pytest.raises(InputError, match="new or empty"):
        tokenize([shard_folder], shard_folder, TokenSettings())


def test_a_damaged_token_folder_is_refused(token_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        load_split(tmp_path, Split.TRAIN)
    copy = tmp_path / "copy"
    shutil.copytree(token_folder, copy)
    (copy / "train" / "q.npy").write_bytes((copy / "train" / "q.npy").read_bytes()[:-1])
    with pytest.raises(DamagedFile, match=r"q\.npy"):
        load_split(copy, Split.TRAIN)
    shutil.copy(copy / "val" / "v.npy", copy / "test" / "q.npy")
    with pytest.raises(DamagedFile, match="int8"):
        load_split(copy, Split.TEST)
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(SchemaMismatch, match="version 3"):
        load_split(copy, Split.VAL)
    manifest.write_text(text[:100])
    with pytest.raises(DamagedFile, match=r"manifest\.json"):
        load_split(copy, Split.VAL)


def test_a_table_is_no_source_of_samples(tmp_path: Path) -> None:
    write_deal(DealRequest(1, None, 1), ShardSettings(keep=Keep.TABLE), tmp_path / "shards")
    with pytest.raises(InputError, match="keeps the table"):
        tokenize([tmp_path / "shards"], tmp_path / "out", TokenSettings())


def test_a_draw_is_shared_out_among_row_groups(tmp_path: Path) -> None:
    request = DealRequest(1, None, 1)
    write_deal(request, ShardSettings(states_per_deal=150_000), tmp_path / "shards")
    tokenize([tmp_path / "shards"], tmp_path / "out", TokenSettings(samples_per_shard=1000))
    arrays = load_split(tmp_path / "out", Split.TRAIN)
    shard = read_shard(tmp_path / "shards" / request.relative_path())
    assert len(arrays) == 1000
    there = state.fields(shard.frame["state"].to_numpy()).plays_left
    assert abs(arrays.plays_left.mean() - there.mean()) < 5 * there.std() / 1000**0.5


def test_filters_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="fewest plays left 9 and most 8"):
        TokenSettings(fewest_plays_left=9, most_plays_left=8)
