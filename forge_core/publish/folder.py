"""Writing the folder of a data set that others can open."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from forge_core.errors import InputError
from forge_core.files import replacing, sha256_of, write_sums
from forge_core.publish.card import card
from forge_core.publish.croissant import write_croissant
from forge_core.publish.kind import Kind
from forge_core.publish.sources import ROWS, open_source
from forge_core.shards.split import Split

CARD, CROISSANT = "README.md", "croissant.json"


@dataclass(frozen=True, slots=True)
class About:
    """What only the one who publishes can say.

    title     of the data set; None = what its kind is called
    license   by its SPDX identifier, such as cc-by-4.0
    url       where it can be found
    """

    title: str | None = None
    license: str = "mit"
    url: str = "https://huggingface.co/datasets"


class Count(NamedTuple):
    """What one split holds: rows, different seeds, and the bytes of its file."""

    rows: int
    seeds: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Published:
    """What was written: the title of the data set, its columns as Arrow types, and the splits that are not empty."""

    title: str
    schema: pa.Schema
    splits: dict[Split, Count]


def publish(folder: Path, kind: Kind, output: Path, about: About) -> Published:
    """Lay a folder out as a data set: Parquet by split, a README card, croissant.json and SHA256SUMS.

    The output is there whole or not at all. Needs the extra `publish`.

    Args:
        folder: what the forge wrote.
        kind: what it holds.
        output: a new folder.
        about: title, licence and address.

    Raises:
        InputError: the output is there already, or the folder holds nothing of this kind.
        SchemaMismatch: files made in different ways. DataError: a damaged file, or one under another's name.
    """
    if output.exists():
        raise InputError.of(got=f"the output {output}, which is there", expected="a new folder", remedy="name another")
    source = open_source(folder, kind)
    with replacing(output) as temporary:
        (temporary / "data").mkdir(parents=True)
        schema, splits = _write_splits(temporary / "data", source.frames)
        published = Published(about.title or source.title, schema, splits)
        made = {"program": f"crystal-forge {version('crystal-forge')}", "kind": kind.value, **source.made}
        (temporary / CARD).write_text(card(published, source, made, about.license), "utf-8")
        write_croissant(temporary, temporary / CROISSANT, published, source, about)
        files = [*sorted((temporary / "data").iterdir()), temporary / CROISSANT, temporary / CARD]
        write_sums(temporary, {file.relative_to(temporary).as_posix(): sha256_of(file) for file in files})
    return published


def _write_splits(folder: Path, frames: Iterator[pl.DataFrame]) -> tuple[pa.Schema, dict[Split, Count]]:
    writers: dict[str, pq.ParquetWriter] = {}
    waiting: dict[str, list[pl.DataFrame]] = {}
    rows: dict[str, int] = {}
    seeds: dict[str, set[int]] = {}
    schema = pa.schema([])
    with ExitStack() as files:

        def flush(split: str) -> None:
            table = pl.concat(waiting.pop(split)).to_arrow()
            if split not in writers:
                path = folder / f"{split}.parquet"
                writers[split] = files.enter_context(
                    pq.ParquetWriter(path, table.schema, compression="zstd", write_page_checksum=True)
                )
            writers[split].write_table(table, row_group_size=ROWS)

        for frame in frames:
            for (name,), part in frame.group_by("split", maintain_order=True):
                split, kept = str(name), part.drop("split")
                schema = kept.to_arrow().schema
                rows[split] = rows.get(split, 0) + kept.height
                seeds.setdefault(split, set()).update(kept["seed"].unique())
                waiting.setdefault(split, []).append(kept)
                if sum(each.height for each in waiting[split]) >= ROWS:
                    flush(split)
        for split in list(waiting):
            flush(split)
    counts = {
        split: Count(rows[split], len(seeds[split]), (folder / f"{split}.parquet").stat().st_size)
        for split in Split
        if split in rows
    }
    return schema, counts
