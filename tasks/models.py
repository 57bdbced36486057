"""Find a model by what a person calls it: a path, a name of the catalog, a digest of the store, a run of MLflow."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from configs.installation import Installation
from configs.storage import open_store
from forge_core.artifacts.listing import Source
from forge_core.artifacts.reference import Reference
from forge_core.errors import WrongModelType
from forge_core.files import check_sums, sha256_of
from forge_core.learn.settings import CONFIG, WEIGHTS, check_weights, read_config
from forge_core.players.registry import seat_of
from tasks import tracking
from tasks.find import find_object

if TYPE_CHECKING:
    from forge_core.learn.catalog import Catalog
    from forge_core.learn.settings import ModelKind

_RUN = re.compile("[0-9a-f]{32}")  # how MLflow numbers its runs


def catalog() -> "Catalog":
    """The catalog of this installation."""
    from forge_core.learn.catalog import Catalog

    return Catalog(Installation().models)


def network_of(model: Reference | Path) -> Source:
    """Where a model lies, with a digest of what answers: its weights and config, not the files beside them.

    DamagedFile when one of these is not what the SHA256SUMS beside it says.
    """
    path = open_store().path(model) if isinstance(model, Reference) else Installation().place(model)
    if path.name in (CONFIG, WEIGHTS):
        path = path.parent
    files = [path / WEIGHTS, path / CONFIG] if path.is_dir() else [path]
    check_sums(files[0].parent, [file.name for file in files])
    digests = [sha256_of(file) for file in files if file.is_file()]
    return Source(path, sha256_of("\n".join(digests)))


def kind_of(model: Reference | Path) -> "ModelKind":
    """What the slots of a model's answers are."""
    path = network_of(model).path
    if path.is_dir():
        return read_config(path).kind
    from forge_core.learn.model import load

    return load(path).kind


def check_model(model: Reference | Path, kind: "ModelKind | None" = None, *, trained: bool = False) -> None:
    """Look whether a path outside the store leads to a model, without loading the weights of a folder.

    Args:
        model: an object of the store is known to be one.
        kind: what it has to answer; None = anything.
        trained: whether it has to be a folder that training wrote.

    Raises:
        ModelError: it is no model, or not such a one.
    """
    path = network_of(model).path
    if path.is_dir() or trained:
        found = read_config(path).kind
        check_weights(path / WEIGHTS)
    else:
        from forge_core.learn.model import load

        found = load(path).kind
    if kind is not None and found != kind:
        raise WrongModelType.of(got=f"{path}, a {found} model", expected=f"a {kind} model", remedy="name another model")


def find_model(name: str) -> Reference | Path:
    """The model that a person means.

    name  "champion" or another name of the catalog; a model folder or .onnx file; the id of the MLflow run that trained
          it; or what `find_object` understands: "latest", the first digits of a digest

    Raises InputError when nothing, or more than one object, is called that.
    """
    if (folder := catalog().find(name)) is not None:
        return folder
    if Path(name).exists():
        return Path(name).absolute()
    digest = tracking.object_of(name)
    if digest is None and _RUN.fullmatch(name):
        fetched = Installation().mlflow / "fetched" / name
        if tracking.fetch(name, (WEIGHTS, CONFIG), fetched):
            return fetched
    return find_object(digest or name, "model")


def find_network(name: str) -> Reference | Path:
    """The network that a player names (see `players.registry.model_of`): a seat network or one that values open hands.

    InputError when nothing is called that.
    """
    seat = seat_of(name)
    return find_model(name) if seat is None else find_seat(seat)


def find_seat(name: str) -> Reference | Path:
    """The seat network that a person means: a name of the catalog, a path, or what `find_object` understands.

    Raises InputError when nothing, or more than one object, is called that; DamagedFile for a promoted one that is not
    what its checksums say.
    """
    from forge_core.seat.catalog import SeatCatalog

    if (folder := SeatCatalog(Installation().models).find(name)) is not None:
        return folder
    return Path(name).absolute() if Path(name).exists() else find_object(name, "seat")
