"""Bid matrices as a data set of seeds: the hand that the seed deals seat 0, a row for each declaration."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from forge_core.bids.histogram import BINS
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
        """The seed of a file, all pages of which have their checksums, and whose histograms hold every sample."""
        seed, settings = self.identify(path), _settings(path)
        try:
            table = pq.read_table(path, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, str(error)) from error
        expected = {"open": settings.samples, "play": settings.playouts}
        for name, n in expected.items():
            rows = table[name].to_pylist()
            if [len(counts or ()) for counts in rows] != [BINS if n else 0] * len(Declaration):
                raise _damaged(path, f"{name} histograms that have not {BINS} bins")
            sums = [sum(counts or ()) for counts in rows]
            if sums != [n] * len(Declaration):
                raise _damaged(path, f"{name} histograms of {sums} samples")
        return seed

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
    on_seed: Callable[[int], None] | None = None,
) -> list[int]:
    """Write the matrices that a folder lacks; those written. Several generators may fill one folder side by side.

    Killed at any moment, it leaves whole files and loses the seed it was at.
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
            _write(temporary, seed, settings, player)
            temporary.replace(path)
        made.append(seed)
        if on_seed is not None:
            on_seed(seed)
    return made


def _write(path: Path, seed: int, settings: BidSettings, player: AnyPlayer) -> None:
    hand = deal_from_seed(seed).hands[0]
    matrix = bid_matrix(hand, [int(each) for each in Declaration], settings, player, seed=seed)
    played = matrix.counts.get(Method.PLAY)
    table = pa.table(
        {
            "seed": [seed] * len(Declaration),
            "declaration": [int(each) for each in Declaration],
            "hand": [list(hand)] * len(Declaration),
            "open": matrix.counts[Method.OPEN].tolist(),
            "play": [None] * len(Declaration) if played is None else played.tolist(),
        },
        schema=COLUMNS.with_metadata({"format": FORMAT, "seed": str(seed), "settings": settings.model_dump_json()}),
    )
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def collate_bids(folder: Path, output: Path) -> int:
    """One Parquet table of all files of a folder, with their split and what they were made with; the number of rows.

    Raises InputError for a folder without files, DamagedFile for one that is not whole.
    """
    frames: list[pl.DataFrame] = []
    for split in Split:
        for path in sorted((folder / split).glob("seed_*.parquet")):
            settings = _settings(path)
            dataset = Bids(settings)
            dataset.verify(path)
            made_with = {name: pl.lit(value) for name, value in settings.model_dump().items()}
            frames.append(pl.read_parquet(path).with_columns(split=pl.lit(split.value), **made_with))
    if not frames:
        raise InputError.of(
            got=f"{folder} without a single bid matrix", expected="{train,val,test}/seed_*.parquet",
            remedy="make some with forge bid generate",
        )  # fmt: skip
    table = pl.concat(frames)
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as temporary:
        table.write_parquet(temporary)
    return table.height


def counts_of(table: pl.DataFrame, method: Method) -> np.ndarray:
    """The histograms of a table's rows, int64[rows, 43]."""
    return np.array(table[method.value].to_list(), np.int64)


def _metadata(path: Path) -> dict[str, str]:
    try:
        raw = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, str(error)) from error
    found = {key.decode(): value.decode() for key, value in raw.items()}
    if "settings" not in found or "seed" not in found:
        raise DataError.of(got=f"{path} without a seed and settings", expected="a bid matrix", remedy="remove it")
    if found.get("format") != FORMAT:
        raise SchemaMismatch.of(
            got=f"{path} of format {found.get('format')}", expected=f"format {FORMAT}", remedy="make it again"
        )
    return found


def _settings(path: Path) -> BidSettings:
    return BidSettings.model_validate_json(_metadata(path)["settings"])


def _damaged(path: Path, why: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}: {why}", expected="a whole bid matrix", remedy="remove it and fill the folder again"
    )
