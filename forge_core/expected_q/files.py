"""A generated game as a file: `{train,val,test}/seed_{seed:08d}.pt`, readable with torch.load(weights_only=True).

The file is a dict: "schema_version", "metadata" (plain Python values) and one tensor of 28 rows a field, as
`schema.COLUMNS` says. The same game gives the same bytes.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import N_PLAYS
from forge_core.expected_q.schema import COLUMNS, SCHEMA_VERSION, SINCE_2, UNITS
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.streams import Purpose
from forge_core.files import check_records, write_bytes
from forge_core.rules import Deal, deal_from_seed
from forge_core.shards.split import split_of

_UNREADABLE = (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError, KeyError)
"""What torch raises for files that are cut or changed."""


def relative_path(seed: int) -> Path:
    """Where the game of a seed lies in its folder. InputError for a seed that is none."""
    return Path(Games().relative_path(seed))


def write_game(game: Game, folder: Path) -> Path:
    """Write the game into `folder`, atomically, and return its path; an earlier file of that name is replaced."""
    path = folder / relative_path(game.seed)
    content: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "metadata": _metadata(game)}
    content |= {name: torch.from_numpy(game.columns[name].copy()) for name in COLUMNS}
    buffer = io.BytesIO()  # torch puts a file's name into its bytes, but has none to put here
    torch.save(content, buffer)
    write_bytes(path, buffer.getbuffer())
    return path


def read_game(path: Path) -> Game:
    """Read a game without executing code from the file.

    InputError when there is no file, DamagedFile or SchemaMismatch when it is no game of a version that is known. In a
    game of version 1 the fields that came later are NaN.
    """
    if not path.is_file():
        raise InputError.of(got=f"{path}, which is no file", expected="an E[Q] game file", remedy="check the path")
    try:
        archive = io.BytesIO(path.read_bytes())
        check_records(archive)
        content = torch.load(archive, weights_only=True)
    except _UNREADABLE as error:
        raise _damaged(f"{path}, which cannot be read ({error})", "a whole E[Q] game file") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version not in range(1, SCHEMA_VERSION + 1):
        raise SchemaMismatch.of(
            got=f"{path} of schema version {version}",
            expected=f"version 1 to {SCHEMA_VERSION}",
            remedy="generate this seed again with this program",
        )
    try:
        return _game(content)
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
        fields = f"the metadata and the {len(COLUMNS)} fields of schema version {SCHEMA_VERSION}"
        raise _damaged(f"{path} with fields that do not fit ({error!r})", fields) from error


def _damaged(got: str, expected: str) -> DamagedFile:
    return DamagedFile.of(got=got, expected=expected, remedy="delete it and generate this seed again")


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
    if list(metadata["dominoes"]) != list(deal_from_seed(metadata["seed"]).dominoes):
        raise ValueError(f"its seed {metadata['seed']} does not deal {metadata['dominoes']}")
    if content["schema_version"] == 1:
        content |= {name: torch.full((N_PLAYS, *COLUMNS[name].shape), torch.nan) for name in SINCE_2}
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
