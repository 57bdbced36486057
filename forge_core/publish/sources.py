"""What can be published, kind by kind: its rows, what their columns mean, and how they were made."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from forge_core.bids.dataset import FORMAT, open_bids
from forge_core.errors import EmptySplit, SchemaMismatch
from forge_core.expected_q.collate import open_games
from forge_core.expected_q.schema import COLUMNS
from forge_core.publish.kind import Kind
from forge_core.shards.dataset import Shards
from forge_core.shards.read import inspect, read_group
from forge_core.shards.schema import Q_COLUMNS, ShardMetadata
from forge_core.shards.split import Split
from forge_core.tokens.arrays import FIELDS, load_split
from forge_core.tokens.manifest import read_manifest

ROWS = 1 << 16
"""The rows of a row group, and of a frame at most."""

_SEED = "of the deal; seed % 1000: 0-899 train, 900-949 val, 950-999 test"
_DECLARATION = "0-6 that pip is trump, 7 doubles are trump, 8 doubles are a suit of their own, 9 no trump"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder that can be published.

    title     of the data set, if nobody names it
    row       what a row is
    values    whose view the values are in, and their unit
    meanings  column -> what it means
    made      how it was made: settings, versions, as JSON
    frames    the rows, each frame with a column `split`, at most a few times `ROWS` long
    """

    title: str
    row: str
    values: str
    meanings: dict[str, str]
    made: dict[str, Any]
    frames: Iterator[pl.DataFrame]


def open_source(folder: Path, kind: Kind) -> Source:
    """Open a folder of shards, training arrays, games or bid matrices; every file is read whole and checked.

    Raises:
        InputError: there is no such folder, or nothing of this kind in it.
        SchemaMismatch: its files were made in different ways, or by another version.
        DataError: a damaged file, or one under a name that is not its own.
    """
    return {Kind.SHARDS: _shards, Kind.TOKENS: _tokens, Kind.GAMES: _games, Kind.BIDS: _bids}[kind](folder)


def _shards(folder: Path) -> Source:
    paths = [Path(entry.path) for entry in Shards().files(folder).values()]
    if not paths:
        raise EmptySplit.of(
            got=f"no shard under {folder}/{{train,val,test}}", expected="a folder of shards", remedy="check the path"
        )
    made = _made(inspect(paths[0]).metadata)
    q = {name: f"value after the mover plays slot {name[1:]} of its sorted dealt hand; -128 = not legal"
         for name in Q_COLUMNS if made["keep"] != "table"}  # fmt: skip
    return Source(
        title="Texas 42, solved states",
        row="a state of a deal, with its exact values",
        values="points still to be won, seats 0 and 2 minus seats 1 and 3, under perfect play with all hands open",
        meanings={
            "seed": f"{_SEED}; without an opponent seed it deals all four hands, else seat 0's",
            "opponent_seed": "of the other three hands; null = dealt by seed",
            "declaration": f"{_DECLARATION}; seat 0 declared and led the first trick",
            "dominoes": "the dealt dominoes, seven a seat, ascending; domino = high * (high + 1) / 2 + low",
            "state": "bits 0-27 what is still held, seven a seat; 28-29 leader of the trick; 30-31 plays in it; "
            "32-40 the slots played in it, three bits each, 7 = none",
            "V": "value of the state",
            **q,
        },
        made=made,
        frames=_shard_frames(paths, made),
    )


def _made(metadata: ShardMetadata) -> dict[str, Any]:
    sampling = metadata.sampling and metadata.sampling.model_dump(exclude={"key"})
    return {"solver_version": metadata.solver_version, "keep": metadata.keep.value, "sampling": sampling}


def _shard_frames(paths: list[Path], made: dict[str, Any]) -> Iterator[pl.DataFrame]:
    for path in paths:
        info = inspect(path)
        of = info.metadata
        Shards().check_name(path, Shards().identify(path))
        if _made(of) != made:
            raise SchemaMismatch.of(
                got=f"{path}, made with {_made(of)}", expected=f"{made}", remedy="publish different shards apart"
            )
        for group in range(len(info.group_rows)):
            yield read_group(path, group).select(
                pl.lit(of.seed, pl.Int64).alias("seed"),
                pl.lit(of.opponent_seed, pl.Int64).alias("opponent_seed"),
                pl.lit(of.declaration, pl.Int8).alias("declaration"),
                pl.lit(list(of.dominoes), pl.Array(pl.Int8, 28)).alias("dominoes"),
                pl.all(),
                pl.lit(path.parent.name).alias("split"),
            )


def _tokens(folder: Path) -> Source:
    manifest = read_manifest(folder)
    return Source(
        title="Texas 42, training arrays",
        row="a state as its mover sees the table with all hands open, and what exact play makes of it",
        values="points still to be won, the mover's team minus the other, under perfect play with all hands open",
        meanings={
            "tokens": "32 tokens of 9 features: the context, the 28 dealt dominoes, the plays of the trick",
            "mask": "which of the tokens are there",
            "legal": "the slots of the mover's sorted dealt hand that may be played",
            "q": "value after playing each slot; -128 = not legal",
            "v": "value of the state: the best legal q",
            "best": "the slots whose q is v",
            "plays_left": "28 before the first play",
            "declaration": _DECLARATION,
            "seed": _SEED,
        },
        made={
            "format_version": manifest.format_version,
            "settings": manifest.settings.model_dump(mode="json"),
            "shards": len(manifest.inputs),
        },
        frames=_token_frames(folder, manifest.samples),
    )


def _token_frames(folder: Path, samples: dict[Split, int]) -> Iterator[pl.DataFrame]:
    for split, rows in samples.items():
        if rows == 0:
            continue
        arrays = load_split(folder, split, memory_map=True)
        for start in range(0, rows, ROWS):
            part = {name: getattr(arrays, name)[start : start + ROWS] for name in FIELDS}
            yield pl.DataFrame(part).with_columns(split=pl.lit(split.value))


def _games(folder: Path) -> Source:
    made, frames = open_games(folder)
    return Source(
        title="Texas 42, games by expected values",
        row="a decision; 28 of them are a game",
        values="points still to be won, the mover's team minus the other, as expected by a seat that sees its own hand "
        "and the plays",
        meanings={
            "seed": _SEED,
            "play": "0-27, the place of the decision in its game",
            "declaration": _DECLARATION,
            **{name: column.meaning for name, column in COLUMNS.items()},
        },
        made=made,
        frames=frames,
    )


def _bids(folder: Path) -> Source:
    frame = open_bids(folder)
    return Source(
        title="Texas 42, what hands are worth",
        row="a hand under a declaration",
        values="points that the hand's team wins of 42, when it declares and leads",
        meanings={
            "seed": f"{_SEED}; it deals the hand",
            "declaration": _DECLARATION,
            "hand": "the seven dominoes; domino = high * (high + 1) / 2 + low",
            "open": "how often 0, 1, ... 42 points were won, all hands open and perfect play",
            "play": "the same, when every seat sees its own hand; null = not played out",
            "samples": "deals behind `open`",
            "playouts": "deals behind `play`",
            "seat_model": "who played them",
            "play_for": "the bid that they played for",
        },
        made={"format": FORMAT},
        frames=iter([frame]),
    )
