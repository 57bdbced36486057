"""Shards in, training arrays out: streamed, and a token folder is there whole or not at all."""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from forge_core.errors import EmptySplit, InputError
from forge_core.shards.read import read_group
from forge_core.shards.split import Split
from forge_core.threads import worker_threads
from forge_core.tokens.arrays import FIELDS, TokenArrays, load_split
from forge_core.tokens.inputs import Piece, cut, find_shards, inspect_shard
from forge_core.tokens.manifest import MANIFEST, TokenManifest
from forge_core.tokens.npy import NpyStream
from forge_core.tokens.samples import choose_rows, draw_key, to_samples
from forge_core.tokens.settings import TokenSettings

__all__ = ["TokenArrays", "TokenManifest", "load_split", "tokenize"]

T = TypeVar("T")
R = TypeVar("R")


def tokenize(
    inputs: Sequence[Path],
    output: Path,
    settings: TokenSettings,
    *,
    threads: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> TokenManifest:
    """Encode the shards in the folders `inputs` (each with train/, val/, test/) into the token folder `output`.

    The samples lie in the order of the shards' names, whatever the number of threads; memory is bounded by a few row
    groups. The folder is built beside `output` and renamed. `on_progress` gets the number of samples so far.

    Raises InputError when a shard comes twice or `output` is in use, EmptySplit when no sample is left, DataError when
    a shard lies under a name that is not its own, and whatever reading a shard raises.
    """
    _check_output(output)
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shards = list(_in_order(inspect_shard, find_shards(inputs), threads))
        pieces = (piece for shard in shards for piece in cut(shard, settings.samples_per_shard))
        samples = _in_order(lambda piece: _samples(piece, settings), pieces, threads)
        counts = _write(temporary, samples, on_progress)
        manifest = TokenManifest(
            settings=settings, inputs={shard.relative_path: shard.digest for shard in shards}, samples=counts
        )
        (temporary / MANIFEST).write_text(manifest.model_dump_json(indent=1), "utf-8")
        temporary.replace(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def _check_output(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError.of(
            got=f"the output {output}, which is there already",
            expected="a new or empty folder",
            remedy="name another folder, or remove this one",
        )


def _samples(piece: Piece, settings: TokenSettings) -> tuple[Split, TokenArrays]:
    shard = piece.shard
    frame = read_group(shard.path, piece.group)
    key = draw_key(shard.relative_path, piece.group, settings.seed)
    chosen, of = choose_rows(frame, settings, most=piece.most, key=key), shard.metadata
    return shard.split, to_samples(chosen, of.dominoes, declaration=of.declaration, seed=of.seed)


def _write(
    folder: Path, samples: Iterable[tuple[Split, TokenArrays]], on_progress: Callable[[int], None] | None
) -> dict[Split, int]:
    counts = dict.fromkeys(Split, 0)
    with ExitStack() as files:
        streams = {split: _open_streams(folder / split, files) for split in Split}
        for split, arrays in samples:
            counts[split] += len(arrays)
            for name, stream in streams[split].items():
                stream.append(getattr(arrays, name))
            if on_progress is not None:
                on_progress(sum(counts.values()))
    if not any(counts.values()):
        raise EmptySplit.of(
            got="no sample in any split",
            expected="at least one state that passes the filters",
            remedy="loosen the filters of the tokenizer, or generate more shards",
        )
    return counts


def _open_streams(folder: Path, files: ExitStack) -> dict[str, NpyStream]:
    folder.mkdir(parents=True)
    return {name: files.enter_context(NpyStream(folder / f"{name}.npy", *row)) for name, row in FIELDS.items()}


def _in_order(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """As `map`, on threads that run only a little ahead of the consumer, so that results do not pile up."""
    waiting: deque[Future[R]] = deque()
    with worker_threads(threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
