"""Folders as data sets: what is written, how it is refused, and that other programs open it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from forge_core.bids.dataset import generate_bids
from forge_core.bids.settings import BidSettings
from forge_core.errors import DataError, EmptySplit, InputError, SchemaMismatch
from forge_core.expected_q.files import write_game
from forge_core.expected_q.games import play_game
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.players.registry import make_player
from forge_core.publish.folder import About, publish
from forge_core.publish.kind import Kind
from forge_core.publish.sources import open_source
from forge_core.shards.generate import write_deal
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.solver.search import search_q
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings

DOCS = Path(__file__).parents[3] / "docs"
SEEDS = (7, 903)
ROWS = {Kind.SHARDS: 300, Kind.TOKENS: 300, Kind.GAMES: 28, Kind.BIDS: 10}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each kind, with a train and a val seed."""
    root = tmp_path_factory.mktemp("made")
    for seed in SEEDS:
        write_deal(DealRequest(seed, None, 6), ShardSettings(states_per_deal=300), root / "shards")
        write_game(play_game(seed, ExactOracle(search_q, "1"), EqSettings(n_worlds=2)), root / "games")
    tokenize([root / "shards"], root / "tokens", TokenSettings())
    generate_bids(root / "bids", SEEDS, BidSettings(samples=2), make_player("highest"))
    return root


@pytest.mark.parametrize("kind", Kind)
def test_every_column_has_a_meaning_and_every_row_a_split(kind: Kind, made: Path) -> None:
    source = open_source(made / kind, kind)
    frame = pl.concat(source.frames)
    assert set(frame.columns) == {*source.meanings, "split"}
    assert frame.group_by("split", "seed").len().sort("seed").rows() == [
        ("train", 7, ROWS[kind]), ("val", 903, ROWS[kind]),
    ]  # fmt: skip
    json.dumps(source.made)


def test_what_is_refused(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmptySplit, match="no shard"):
        open_source(tmp_path, Kind.SHARDS)
    with pytest.raises(InputError, match=r"manifest\.json"):
        open_source(made / "shards", Kind.TOKENS)
    with pytest.raises(InputError, match="is there"):
        publish(made / "shards", Kind.SHARDS, tmp_path, About())
    monkeypatch.setitem(sys.modules, "mlcroissant", None)
    with pytest.raises(InputError, match="the extra `publish`"):
        publish(made / "bids", Kind.BIDS, tmp_path / "out", About())
    assert not (tmp_path / "out").exists()


def test_shards_made_in_two_ways_and_under_a_wrong_name(tmp_path: Path) -> None:
    for seed, keep in ((0, Keep.SAMPLES), (1, Keep.TABLE)):
        write_deal(DealRequest(seed, None, 6), ShardSettings(keep=keep, states_per_deal=9), tmp_path)
    with pytest.raises(SchemaMismatch, match="Publish different shards apart"):
        list(open_source(tmp_path, Kind.SHARDS).frames)
    (tmp_path / "train" / "seed_00000001_decl_6.parquet").rename(tmp_path / "train" / "seed_00000002_decl_6.parquet")
    with pytest.raises(DataError, match="which by its metadata is"):
        list(open_source(tmp_path, Kind.SHARDS).frames)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of mlcroissant and datasets are not ours
@pytest.mark.parametrize("kind", Kind)
def test_others_open_it(kind: Kind, made: Path, tmp_path: Path) -> None:
    mlcroissant, datasets = pytest.importorskip("mlcroissant"), pytest.importorskip("datasets")
    duckdb, pandas = pytest.importorskip("duckdb"), pytest.importorskip("pandas")
    output = tmp_path / "out"
    ran = CliRunner().invoke(
        app, ["publish", "data", str(made / kind), "--kind", kind, "--output", str(output), "--json"]
    )
    assert ran.exit_code == 0, ran.output
    told, rows = json.loads(ran.stdout), ROWS[kind]
    assert {name: (split["rows"], split["seeds"]) for name, split in told["splits"].items()} == {
        "train": (rows, 1), "val": (rows, 1),
    }  # fmt: skip
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=output, check=True)

    frame = pl.read_parquet(output / "data" / "train.parquet")
    source = pl.concat(open_source(made / kind, kind).frames).filter(pl.col("split") == "train").drop("split")
    assert frame.equals(source.select(frame.columns))
    loaded = datasets.load_dataset(str(output), cache_dir=str(tmp_path / "cache"))
    assert {split: part.num_rows for split, part in loaded.items()} == {"train": rows, "val": rows}
    assert loaded["train"].to_polars().cast(dict(frame.schema)).equals(frame)
    assert pandas.read_parquet(output / "data" / "val.parquet")["seed"].unique().tolist() == [903]
    counted = duckdb.sql(f"select seed, count(*) from '{output}/data/*.parquet' group by seed order by seed")
    assert counted.fetchall() == [(7, rows), (903, rows)]
    records = list(mlcroissant.Dataset(jsonld=output / "croissant.json").records("train"))
    assert [record["train/seed"] for record in records] == [7] * rows

    card = (output / "README.md").read_text()
    assert all(f"| `{name}` |" in card for name in told["columns"])
    assert f"| train | {rows:,} | 1 |" in card


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("mlcroissant", "duckdb"):
        pytest.importorskip(module)
    monkeypatch.setattr(pytest.importorskip("datasets").config, "HF_DATASETS_CACHE", tmp_path / "cache")
    write_deal(DealRequest(950, None, 6), ShardSettings(states_per_deal=9), tmp_path / "shards")
    monkeypatch.chdir(tmp_path)
    publish(Path("shards"), Kind.SHARDS, Path("published"), About())
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "data.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "data.md", "exec"), names)
    assert names["test"].num_rows == names["also"].shape[0] == 9
    assert names["means"]["declaration"].to_list() == [6]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_licence_and_a_title_of_ones_own(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlcroissant")
    publish(made / "bids", Kind.BIDS, tmp_path / "out", About('What "sixes" are worth', "cc-by-4.0", "https://a.b/c"))
    described = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert (described["name"], described["license"], described["url"]) == (
        'What "sixes" are worth', "cc-by-4.0", "https://a.b/c",
    )  # fmt: skip
    assert 'pretty_name: "What \\"sixes\\" are worth"' in (tmp_path / "out" / "README.md").read_text()
