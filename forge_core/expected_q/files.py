"""A generated game as a file: `{train,val,test}/seed_{seed:08d}.pt`, readable with torch.load(weights_only=True).

The file is a dict: "schema_version", "metadata" (plain Python values) and one tensor of 28 rows a field, as
`schema.COLUMNS` says. The same game gives the same bytes.
"""

import io
import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import N_PLAYS
from forge_core.expected_q.schema import COLUMNS, SCHEMA_VERSION, UNITS
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.streams import Purpose
from forge_core.rules import Deal
from forge_core.rules.deal import check_seed
from forge_core.shards.split import Split, split_of

_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22


def relative_path(seed: int) -> Path:
    """Where the game of a seed lies in its folder. InputError for a seed below 0."""
    return Path(split_of(check_seed(seed))) / f"seed_{seed:08d}.pt"


def write_game(game: Game, folder: Path) -> Path:
    """Write the game into `folder`, atomically, and return its path; an earlier file of that name is replaced.

    A writer that is killed leaves `.<name>.tmp`, which the next writer of this seed overwrites.
    """
    path = folder / relative_path(game.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "metadata": _metadata(game)}
    content |= {name: torch.from_numpy(game.columns[name].copy()) for name in COLUMNS}
    buffer = io.BytesIO()  # torch puts a file's name into its bytes, but has none to put here
    torch.save(content, buffer)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(buffer.getbuffer())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_game(path: Path) -> Game:
    """Read a game without executing code from the file.

    InputError when there is no file, DamagedFile or SchemaMismatch when it is no game of this version.
    """
    if not path.is_file():
        raise InputError.of(got=f"{path}, which is no file", expected="an E[Q] game file", remedy="check the path")
    try:
        content = torch.load(path, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
        raise DamagedFile.of(
            got=f"{path}, which cannot be read ({error})",
            expected="a whole E[Q] game file",
            remedy="delete it and generate this seed again",
        ) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise SchemaMismatch.of(
            got=f"{path} of schema version {version}",
            expected=f"version {SCHEMA_VERSION}",
            remedy="generate this seed again with this program",
        )
    try:
        return _game(content)
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
        raise DamagedFile.of(
            got=f"{path} with fields that do not fit ({error!r})",
            expected=f"the metadata and the {len(COLUMNS)} fields of schema version {SCHEMA_VERSION}",
            remedy="delete it and generate this seed again",
        ) from error


def missing(folder: Path, seeds: Iterable[int]) -> list[int]:
    """The seeds without a sound game file in `folder`, in their order.

    A file counts as sound when it ends as a finished zip archive does: a truncated or empty one is missing.
    """
    sound = {split: _sound_names(folder / split) for split in Split}
    paths = ((seed, relative_path(seed)) for seed in seeds)
    return [seed for seed, path in paths if path.name not in sound[Split(path.parent.name)]]


def is_sound(path: str | Path, place: int | None = None) -> bool:
    """Whether a file is there and ends as a finished zip archive does; `place` is an open folder it is relative to."""
    try:
        descriptor = os.open(path, os.O_RDONLY, dir_fd=place)
    except FileNotFoundError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        return size > _ZIP_END_BYTES and os.pread(descriptor, 4, size - _ZIP_END_BYTES) == _ZIP_END
    finally:
        os.close(descriptor)


def _sound_names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    place = os.open(folder, os.O_RDONLY)
    try:
        names = [entry.name for entry in os.scandir(place) if entry.name.endswith(".pt") and entry.name[0] != "."]
        return {name for name in names if is_sound(name, place)}
    finally:
        os.close(place)


def _metadata(game: Game) -> dict[str, Any]:
    """What is needed to read, and to generate, the game from the file alone."""
    return {
        "units": UNITS,
        "seed": game.seed,
        "split": str(split_of(game.seed)),
        "declaration": game.declaration,
        "dominoes": list(game.deal.dominoes),
        "plays": list(game.plays),
        "oracle": {"name": game.oracle[0], "digest": game.oracle[1]},
        "settings": game.settings.model_dump(mode="json"),
        "random_keys": {
            "generator": "numpy.random.Philox(SeedSequence([seed, purpose, plays made]))",
            "seed": game.seed,
            "purposes": {purpose.name.lower(): int(purpose) for purpose in Purpose},
        },
    }


def _game(content: dict[str, Any]) -> Game:
    metadata = content["metadata"]
    columns = {name: content[name].numpy() for name in COLUMNS}
    for name, column in COLUMNS.items():
        array = columns[name]
        if array.shape != (N_PLAYS, *column.shape) or array.dtype != column.dtype:
            raise ValueError(f"{name} is {array.dtype}{list(array.shape)}")
    return Game(
        seed=int(metadata["seed"]),
        deal=Deal.of(metadata["dominoes"]),
        declaration=int(metadata["declaration"]),
        plays=tuple(metadata["plays"]),
        columns=columns,
        settings=EqSettings.model_validate(metadata["settings"]),
        oracle=(metadata["oracle"]["name"], metadata["oracle"]["digest"]),
    )
