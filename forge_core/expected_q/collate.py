"""A folder of games as one Parquet training set: one row a decision, in the order of the seeds."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from forge_core.errors import EmptySplit, SchemaMismatch
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.files import read_game
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import N_PLAYS
from forge_core.expected_q.schema import COLUMNS, SCHEMA_VERSION, UNITS
from forge_core.files import replacing
from forge_core.shards.split import split_of

GAMES_PER_GROUP = 256
METADATA_KEY = b"crystal_forge_eq"


def collate(folder: Path, output: Path) -> int:
    """Write all games of `folder` into the Parquet file `output`, atomically; the number of decisions.

    Columns: seed, split, play (0-27), declaration, then the fields of `schema.COLUMNS`; a field of several numbers is
    a fixed-size list, the transcript 36 x 8 = 288 long. EmptySplit without a game, SchemaMismatch when the games were
    made with different settings or oracles, DamagedFile for a damaged one, DataError for one under a name that is not
    its own.
    """
    metadata, frames = open_games(folder)
    with replacing(output) as temporary:
        return _write(temporary, metadata, frames)


def open_games(folder: Path) -> tuple[dict[str, Any], Iterator[pl.DataFrame]]:
    """What the games of a folder were made with, and their decisions in frames of a bounded size; see `collate`."""
    games = sorted(Games().files(folder).values(), key=lambda entry: entry.name)
    paths = [Path(entry.path) for entry in games]
    if not paths:
        raise EmptySplit.of(
            got=f"no seed_*.pt under {folder}/{{train,val,test}}",
            expected="a folder of generated games",
            remedy="generate games into it first",
        )
    first = read_game(paths[0])
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "units": UNITS,
        "oracle": {"name": first.oracle[0], "digest": first.oracle[1]},
        "settings": first.settings.model_dump(mode="json"),
    }
    return metadata, _groups(paths, first)


def _write(path: Path, metadata: dict[str, Any], frames: Iterator[pl.DataFrame]) -> int:
    frame = next(frames).to_arrow()
    schema = frame.schema.with_metadata({METADATA_KEY: json.dumps(metadata).encode()})
    rows = frame.num_rows
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        writer.write_table(frame.cast(schema))
        for later in frames:
            writer.write_table(later.to_arrow().cast(schema))
            rows += later.height
    return rows


def _groups(paths: list[Path], first: Game) -> Iterator[pl.DataFrame]:
    """The games in frames of a bounded size."""
    todo = iter(paths)
    while some := list(islice(todo, GAMES_PER_GROUP)):
        yield pl.concat([decisions(_alike(read_game(path), first, path)) for path in some])


def _alike(game: Game, first: Game, path: Path) -> Game:
    Games().check_name(path, game.seed)
    if (game.settings, game.oracle) != (first.settings, first.oracle):
        raise SchemaMismatch.of(
            got=f"{path} made by {game.oracle[0]} ({game.oracle[1]}) with {game.settings}",
            expected=f"one way of making them all, as in seed {first.seed}: {first.oracle[0]} ({first.oracle[1]}) "
            f"with {first.settings}",
            remedy="collate folders of different games apart",
        )
    return game


def decisions(game: Game) -> pl.DataFrame:
    """The 28 decisions of a game, a row each; the columns are those of `collate`."""
    columns: dict[str, pl.Series] = {
        "seed": pl.Series("seed", np.full(N_PLAYS, game.seed, np.int64)),
        "split": pl.Series("split", [str(split_of(game.seed))] * N_PLAYS),
        "play": pl.Series("play", np.arange(N_PLAYS, dtype=np.int8)),
        "declaration": pl.Series("declaration", np.full(N_PLAYS, game.declaration, np.int8)),
    }
    for name, column in COLUMNS.items():
        array = game.columns[name]
        columns[name] = pl.Series(name, array.reshape(N_PLAYS, -1) if column.shape else array)
    return pl.DataFrame(columns)
