"""What a person named, checked before a server is started and waited for.

Prefect is not imported here: its settings are read when it is, and `connect` makes them.
"""

import errno
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.options import absolute
from forge_core.errors import InputError

if TYPE_CHECKING:
    from forge_core.artifacts.reference import Reference
    from forge_core.learn.settings import ModelKind
    from forge_core.shards.split import Split


def model(name: str, *, kind: "ModelKind | None" = None, trained: bool = False) -> "Reference | Path":
    """The model that a person means.

    Args:
        name: what it is called, or its path.
        kind: what it has to answer; None = anything.
        trained: whether it has to be a folder, as training writes it.

    Raises:
        InputError: nothing is called that.
        ModelError: it is none, or not such a one.
    """
    from tasks.models import check_model, find_model

    found = find_model(name)
    check_model(found, kind, trained=trained)
    return found


def seat(name: str) -> "Reference | Path":
    """The seat network that a person means. InputError or ModelError when nothing is called that, or it is none."""
    from configs.storage import open_store
    from forge_core.artifacts.reference import Reference
    from forge_core.seat.folder import read_seat_config
    from forge_core.seat.load import load_seat
    from tasks.models import find_seat

    found = find_seat(name)
    path = open_store().path(found) if isinstance(found, Reference) else found
    if path.suffix == ".onnx":
        load_seat(path)
        return found
    config = path / "config.json" if path.is_dir() else path
    read_seat_config(config.read_bytes(), path)
    return found


def oracle(text: str) -> "tuple[Reference | Path | None, dict[str, Any]]":
    """The network of an oracle that a person means, and what its text says of `EqSettings`.

    Args:
        text: "exact", which has none; a model's name or path; or rollouts of a seat network, as in
            "rollout:exact=3,model=champion", for which the worlds are no longer all taken where they are few.

    Raises:
        InputError, ModelError: as `model` and `seat`.
    """
    kind, _, rest = text.partition(":")
    if kind != "rollout":
        return None if text == "exact" else model(text, kind="qvalue"), {}
    from forge_core.players.registry import settings_of
    from forge_core.seat.oracle import RolloutOracleSettings

    asked = settings_of(text, rest, RolloutOracleSettings)
    return seat(asked.model), {"rollout_exact": asked.exact, "enumerate_up_to": 50}


def is_seat(name: str) -> bool:
    """Whether a person means a seat network: a folder or an object of the store that says so."""
    from forge_core.seat.folder import is_seat_folder
    from tasks.find import LATEST, find_object

    if Path(name).exists():
        return is_seat_folder(Path(name))
    if name.startswith("seat"):
        return True
    with suppress(InputError):
        return name != LATEST and bool(find_object(name, "seat"))
    return False


def tokens(folder: Path | None, splits: "Sequence[Split]") -> Path | None:
    """A token folder that a person named, with samples in these splits. Raises InputError and DataErrors."""
    if folder is not None:
        from forge_core.tokens.arrays import load_split

        for split in splits:
            load_split(folder, split, memory_map=True)
    return absolute(folder)


def shards(folders: Sequence[Path]) -> list[Path]:
    """Folders of shards that a person named. InputError when there is no shard in them, or one comes twice."""
    from forge_core.tokens.inputs import find_shards

    find_shards(folders)
    return [path for path in map(absolute, folders) if path is not None]


def output(folder: Path | None) -> Path | None:
    """A folder for results. InputError when it cannot be made, which nothing tells but making it (and removing it)."""
    if (path := absolute(folder)) is None:
        return None
    try:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        path.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # someone else may have put something there by now
            for each in missing:
                each.rmdir()
    except (OSError, ValueError) as error:
        problem = "it is no folder" if getattr(error, "errno", 0) == errno.EEXIST else getattr(error, "strerror", error)
        raise _unusable(path, str(problem)) from error
    return path


def pools(names: Sequence[str]) -> Sequence[str]:
    """Work pools that a person named, each of which gets a folder here. InputError for what Prefect calls none."""
    for name in names:
        if name in ("", ".", "..") or not name.isprintable() or set(name) & set("/\\%&<>"):
            raise InputError.of(
                got=f"the pool {name!r}", expected="a name without / \\ % & < >", remedy="as in: forge up --pool gpu"
            )
    return names


def _unusable(path: Path, problem: str) -> InputError:
    return InputError.of(
        got=f"the output {path}: {problem}", expected="a folder that can be written", remedy="name another"
    )
