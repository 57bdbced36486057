"""A match on disk: match.json says what is played, and a Parquet file a block of deals holds its contracts.

A block is written whole or not at all, so that a match that is killed goes on behind its last block; what is read is
compared with the digest that was written with it, and replayed by the rules.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from forge_core.arena.games import GAME_SCHEMA, deal_seed
from forge_core.arena.match import SCHEMA, Block, Effort
from forge_core.arena.settings import MatchSettings
from forge_core.errors import DamagedFile, ForgeError, InputError
from forge_core.expected_q.record import Record
from forge_core.files import replacing, write_text
from forge_core.rules import deal_from_seed
from forge_core.rules.auction import GAME_MARKS

_MATCH = "match.json"
_VERSION = 1
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, OverflowError, pa.ArrowException, pl.exceptions.PolarsError)


def open_record(folder: Path, settings: MatchSettings, versions: dict[str, str]) -> None:
    """Make the folder a record of this match, or check that it is one.

    Args:
        folder: made if it is not there.
        settings: of the match.
        versions: what else decides the plays, by name: the solver's version, digests of models.

    Raises:
        InputError: the folder records another match.
    """
    asked = {"version": _VERSION, "settings": settings.model_dump(mode="json", exclude_none=True), "versions": versions}
    path = folder / _MATCH
    if not path.exists():
        write_text(path, json.dumps(asked, indent=2) + "\n")
        return
    found = _loaded(path)
    if found != asked:
        differs = ", ".join(_differences(found, asked))
        raise InputError.of(
            got=f"{folder}, which records another match ({differs})",
            expected="a folder that is new or records the same match",
            remedy="choose another folder",
        )


def read_settings(folder: Path) -> MatchSettings:
    """What the folder records. InputError when it is no record of a match."""
    if not (folder / _MATCH).is_file():
        raise InputError.of(
            got=f"{folder} without {_MATCH}",
            expected="a folder that `forge arena --record` wrote",
            remedy="check the path",
        )
    try:
        return MatchSettings.model_validate(_loaded(folder / _MATCH)["settings"])
    except (KeyError, ValueError) as error:
        raise _damaged(folder / _MATCH, str(error).partition("\n")[0]) from error


def block_path(folder: Path, seeds: range) -> Path:
    """Where the block of these seeds lies."""
    return folder / f"seeds_{seeds.start:08d}_{seeds.stop:08d}.parquet"


def write_block(folder: Path, block: Block) -> None:
    """Write a block, atomically."""
    table = block.contracts.to_arrow()
    effort = json.dumps([[e.seconds, e.decisions] for e in block.effort])
    digest = _digest(block.contracts, effort)
    table = table.replace_schema_metadata({"version": str(_VERSION), "effort": effort, "sha256": digest})
    with replacing(block_path(folder, block.seeds), durable=True) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read_block(folder: Path, seeds: range) -> Block | None:
    """The block of these seeds; None when it was not played yet.

    Raises:
        DamagedFile: it is not what was written: unreadable, with another digest, of other seeds, or with plays that the
            rules refute. A block without a digest is of before they had one.
    """
    path = block_path(folder, seeds)
    if not path.is_file():
        return None
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
        metadata: dict[bytes, bytes] = table.schema.metadata or {}
        effort = [Effort(float(s), int(n)) for s, n in json.loads(metadata[b"effort"])]
        schema = GAME_SCHEMA if "game" in table.column_names else SCHEMA
        rows = table.select(list(schema)).to_pydict()  # polars ends the program at an Arrow text that is no UTF-8
        contracts = pl.DataFrame(rows, schema=schema)
        digest = metadata.get(b"sha256")
        if digest is not None and digest.decode() != _digest(contracts, metadata[b"effort"].decode()):
            raise ValueError("its digest is not the one that was written")
        (_check_games if "game" in schema else _check)(contracts, seeds)
    except (*_UNREADABLE, ForgeError) as error:
        raise DamagedFile.of(
            got=f"{path}, which is no sound block of contracts ({error})",
            expected=f"two contracts or games of each seed {seeds.start}-{seeds.stop - 1}, played by the rules",
            remedy="delete this file; the same command plays its deals again",
        ) from error
    return Block(seeds, contracts, (effort[0], effort[1]))


def read_all(folder: Path) -> Iterator[Block]:
    """All blocks of a record, in the order of their seeds."""
    for path in sorted(folder.glob("seeds_*.parquet")):
        _, start, stop = path.stem.split("_")
        block = read_block(folder, range(int(start), int(stop)))
        if block is not None:
            yield block


def find_contract(folder: Path, seed: int | None, declarer: str) -> dict[str, Any]:
    """The recorded contract of a deal, as a row of `SCHEMA`; the first deal where no seed is given.

    Raises:
        InputError: the folder holds no such contract.
    """
    for block in read_all(folder):
        for row in block.contracts.iter_rows(named=True):
            if row["declarer"] == declarer and seed in (None, row["seed"]):
                return row
    raise InputError.of(
        got=f"seed {seed} with the declarer {declarer!r}",
        expected=f"a deal that {folder} records, and a or b",
        remedy="correct the seed or the declarer",
    )


def replayed(row: dict[str, Any]) -> Record:
    """The record of a contract's plays. RecordError when the rules or the deal refute them."""
    deal, record = deal_from_seed(row["seed"]), Record.of(row["declaration"], row.get("seat", 0), ())
    for domino in row["plays"]:
        if domino not in deal.hands[record.mover]:
            raise ValueError(f"seed {row['seed']}: seat {record.mover} does not hold the domino {domino}")
        record = record.then(domino)
    return record


def _digest(contracts: pl.DataFrame, effort: str) -> str:
    """SHA-256 of all that a block says."""
    return hashlib.sha256(json.dumps([effort, contracts.to_dict(as_series=False)], sort_keys=True).encode()).hexdigest()


def _check(contracts: pl.DataFrame, seeds: range) -> None:
    if contracts["seed"].to_list() != [seed for seed in seeds for _ in range(2)]:
        raise ValueError("the seeds are others")
    if contracts["declarer"].to_list() != ["a", "b"] * len(seeds):
        raise ValueError("the declarers are not a and b by turns")
    _check_plays(contracts)


def _check_games(contracts: pl.DataFrame, seeds: range) -> None:
    games = contracts.partition_by("game", "a_team", maintain_order=True, as_dict=True)
    if list(games) != [(seed, team) for seed in seeds for team in (0, 1)]:
        raise ValueError("the seeds are others")
    for (game, _), deals in games.items():
        marks = [0, 0]
        for number, row in enumerate(deals.iter_rows(named=True)):
            if max(marks) >= GAME_MARKS or (row["number"], row["seed"]) != (number, deal_seed(game, number)):
                raise ValueError(f"game {game}: the deals are others")
            marks[(row["seat"] + (not row["made"])) % 2] += row["marks"]
        if max(marks) < GAME_MARKS:
            raise ValueError(f"game {game} does not end")
    _check_plays(contracts)


def _check_plays(contracts: pl.DataFrame) -> None:
    for row in contracts.iter_rows(named=True):
        side = row.get("seat", 0) % 2
        won = replayed(row).won[side], replayed(row).won[1 - side]
        banked = (row["points"], row["points_against"])
        if won != banked or (row["forfeit"] is None and row["made"] != (won[0] >= row["bid"])):
            raise ValueError(f"seed {row['seed']}: the plays bank {won}, the row says {banked}, made {row['made']}")
        if row["forfeit"] is None and won[0] < row["bid"] and won[1] <= 42 - row["bid"]:
            raise ValueError(f"seed {row['seed']}: the plays end before the contract is decided")


def _loaded(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not (isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in ("settings", "versions"))):
        raise _damaged(path, "without settings and versions")
    return cast("dict[str, Any]", found)


def _damaged(path: Path, problem: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}, which says of no match what it is ({problem})",
        expected="what `forge arena --record` wrote",
        remedy="choose another folder",
    )


def _differences(found: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    return [
        f"{name} {found.get(part, {}).get(name)!r} there, {value!r} here"
        for part in ("settings", "versions")
        for name, value in asked[part].items()
        if found.get(part, {}).get(name) != value
    ] or [f"format {found.get('version')}"]
