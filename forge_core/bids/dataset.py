"""Bid matrices as a data set of seeds: the hand that the seed deals seat 0, a row for each declaration."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from forge_core.bids.matrix import Method, bid_matrix
from forge_core.bids.settings import BidSettings
from forge_core.datasets.base import Dataset, claim
from forge_core.errors import DamagedFile, DataError, InputError, SchemaMismatch
from forge_core.files import replacing
from forge_core.players.decisions import AnyPlayer
from forge_core.rules import Declaration, deal_from_seed
from forge_core.rules.deal import MAX_SEED, check_seed
from forge_core.shards.split import Split, split_of

FORMAT = "1"
_NAME = re.compile(r"seed_(\d{8,19})\.parquet")
_COUNTS = pa.list_(pa.int32())
COLUMNS = pa.schema(
    [
        ("seed", pa.int64()),
        ("declaration", pa.uint8()),
        ("hand", pa.list_(pa.uint8(), 7)),
        ("open", _COUNTS),
        ("play", _COUNTS),
    ]
)
"""A row a declaration: open and play count how often the hand's team won 0 .. 42 points; no playouts, play is null."""


@dataclass(frozen=True, slots=True)
class Bids(Dataset[int]):
    """Bid matrices, one a seed; see `Dataset` for the methods.

    settings   that a folder's files share
    """

    suffix = ".parquet"
    settings: BidSettings

    def items(self, seeds: Iterable[int]) -> Iterator[int]:
        """The seeds themselves."""
        return map(check_seed, seeds)

    def seed_of(self, item: int) -> int:
        """The item itself."""
        return item

    def relative_path(self, item: int) -> str:
        """As in "train/seed_00000000.parquet"."""
        return f"{split_of(check_seed(item))}/seed_{item:08d}.parquet"

    def parse(self, name: str) -> int | None:
        """The seed that a file name stands for."""
        match = _NAME.fullmatch(name)
        seed = None if match is None else int(match[1])
        return seed if seed is not None and seed <= MAX_SEED and name == f"seed_{seed:08d}.parquet" else None

    def identify(self, path: Path) -> int:
        """The seed in a file's metadata."""
        return int(_metadata(path)["seed"])

    def read_whole(self, path: Path) -> int:
        """The seed of a file that says what was written into it."""
        return int(read_matrix(path)["seed"][0].as_py())

    def check_settings(self, path: Path) -> None:
        """Raise InputError when a file was made with other settings."""
        if (found := _settings(path)) != self.settings:
            raise InputError.of(
                got=f"{path.parent.parent}, filled with {found!r}",
                expected=f"{self.settings!r}",
                remedy="use the same settings, or another folder",
            )


def generate_bids(
    folder: Path,
    seeds: Sequence[int],
    settings: BidSettings,
    player: AnyPlayer,
    *,
    threads: int = 0,
    on_seed: Callable[[int], None] | None = None,
) -> list[int]:
    """Write the matrices that a folder lacks; those written. Several generators may fill one folder side by side.

    Killed at any moment, it leaves whole files and loses the seed it was at. `threads` values the open hands; 0 = all
    cores.
    """
    dataset = Bids(settings)
    dataset.check_folder(folder)
    made: list[int] = []
    for seed in dataset.missing(folder, dataset.items(seeds)):
        path = dataset.path(folder, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        with claim(path, wait=False, is_sound=dataset.is_sound) as temporary:
            if temporary is None:
                continue
            _write(temporary, seed, settings, player, threads)
            temporary.replace(path)
        made.append(seed)
        if on_seed is not None:
            on_seed(seed)
    return made


def _write(path: Path, seed: int, settings: BidSettings, player: AnyPlayer, threads: int) -> None:
    hand = deal_from_seed(seed).hands[0]
    matrix = bid_matrix(hand, [int(each) for each in Declaration], settings, player, seed=seed, threads=threads)
    played = matrix.counts.get(Method.PLAY)
    table = pa.table(
        {
            "seed": [seed] * len(Declaration),
            "declaration": [int(each) for each in Declaration],
            "hand": [list(hand)] * len(Declaration),
            "open": matrix.counts[Method.OPEN].tolist(),
            "play": [None] * len(Declaration) if played is None else played.tolist(),
        },
        schema=COLUMNS,
    )
    metadata = {"format": FORMAT, "seed": str(seed), "settings": settings.model_dump_json()}
    metadata["sha256"] = _digest(metadata["seed"], metadata["settings"], table)
    pq.write_table(
        table.replace_schema_metadata(metadata),
        path,
        compression="zstd",
        write_page_checksum=True,
        write_statistics=False,  # the footer has no checksum: it is kept short
    )


def _digest(seed: str, settings: str, table: pa.Table) -> str:
    """SHA-256 of all that a file says."""
    said = [FORMAT, seed, settings, table.to_pydict()]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read_matrix(path: Path) -> pa.Table:
    """The rows of a file, checked against the digest in its metadata. Raises DataError, DamagedFile."""
    found = _metadata(path)
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(path, str(error)) from error
    if found.get("sha256") != _digest(found["seed"], found["settings"], table):
        raise _damaged(path, "columns, seed or settings other than those written")
    return table


def collate_bids(folder: Path, output: Path) -> int:
    """One Parquet table of all files of a folder; the number of rows. See `open_bids`."""
    table = open_bids(folder)
    with replacing(output) as temporary:
        table.write_parquet(temporary)
    return table.height


def open_bids(folder: Path) -> pl.DataFrame:
    """All files of a folder as one frame, with their split and what they were made with.

    Raises InputError for a folder without files, DamagedFile for one that is not whole.
    """
    frames: list[pl.DataFrame] = []
    for split in Split:
        for path in sorted((folder / split).glob("seed_*.parquet")):
            settings = _settings(path)
            Bids(settings).verify(path)
            more = {"split": split.value, **settings.model_dump()}
            frames.append(pl.DataFrame(read_matrix(path)).with_columns(**{k: pl.lit(v) for k, v in more.items()}))
    if not frames:
        raise InputError.of(
            got=f"{folder} without a single bid matrix", expected="{train,val,test}/seed_*.parquet",
            remedy="make some with forge bid generate",
        )  # fmt: skip
    return pl.concat(frames)


def counts_of(table: pl.DataFrame, method: Method) -> np.ndarray:
    """The histograms of a table's rows, int64[rows, 43]."""
    return np.array(table[method.value].to_list(), np.int64)


def _metadata(path: Path) -> dict[str, str]:
    try:
        raw = pq.read_schema(path).metadata or {}
        found = {key.decode(): value.decode() for key, value in raw.items()}
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(path, str(error)) from error
    if "settings" not in found or "seed" not in found:
        raise DataError.of(got=f"{path} without a seed and settings", expected="a bid matrix", remedy="remove it")
    if found.get("format") != FORMAT:
        raise SchemaMismatch.of(
            got=f"{path} of format {found.get('format')}", expected=f"format {FORMAT}", remedy="make it again"
        )
    return found


def _settings(path: Path) -> BidSettings:
    try:
        return BidSettings.model_validate_json(_metadata(path)["settings"])
    except ValidationError as error:
        raise _damaged(path, f"settings that cannot be read ({error.errors()[0]['msg']})") from error


def _damaged(path: Path, why: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}: {why}", expected="a whole bid matrix", remedy="remove it and fill the folder again"
    )
