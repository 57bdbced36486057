"""A seat network from disk or from the catalog, ready to be asked."""

from pathlib import Path

from forge_core.files import check_sums, sha256_of
from forge_core.learn.catalog import DEFAULT, ONNX
from forge_core.learn.settings import CONFIG, WEIGHTS
from forge_core.seat.catalog import SeatCatalog
from forge_core.seat.folder import no_seat_network
from forge_core.seat.model import AskedInRows

__all__ = ["DEFAULT", "load_seat"]


def load_seat(network: Path | str, *, threads: int = 1, catalog: Path = DEFAULT) -> AskedInRows:
    """The seat network in a folder, in an .onnx file or in the catalog.

    A promoted or exported one is asked by onnxruntime, one that was only trained by torch.

    Args:
        network: a path; or a string that is "champion" or another name of the catalog, else a path.
        threads: that ask it; the answers do not depend on them.
        catalog: the catalog's folder.

    Raises:
        ModelError: there is no such network.
        DamagedFile: it is not what the checksums beside it say.
    """
    found = SeatCatalog(catalog).find(network) if isinstance(network, str) else None
    path = found or Path(network)
    if path.name in (WEIGHTS, CONFIG):
        path = path.parent
    if path.is_dir() and (path / ONNX).exists():
        path = path / ONNX
    if path.suffix == ".onnx":
        check_sums(path.parent, (path.name,))
        from forge_core.seat.onnx_model import onnx_seat

        return onnx_seat(path, threads=threads)
    if not path.is_dir():
        raise no_seat_network(path, "neither a folder nor an .onnx file" if path.exists() else "there is nothing")
    from forge_core.seat.folder import read_seat_network
    from forge_core.seat.torch_model import torch_seat

    return torch_seat(read_seat_network(path)[0], threads=threads, digest=sha256_of(path / WEIGHTS))
