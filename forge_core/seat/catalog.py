"""The promoted seat networks: the folder `seat` of the catalog.

    seat/<name>/model.safetensors, config.json   the network, as training wrote it
    seat/<name>/model.onnx                       the same for onnxruntime: this is what plays
    seat/<name>/match.json                       the match in the arena by which it was promoted
    seat/<name>/SHA256SUMS                       of these; a folder without it is no part of the catalog
    seat/champion.json                           the name of the champion

Every write is atomic and a repeated one changes nothing, so an interrupted promotion is repaired by running it again.
"""

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from forge_core.errors import DamagedFile, ModelError
from forge_core.files import SUMS, sha256_of, write_sums, write_text
from forge_core.learn.catalog import CHAMPION, CHAMPIONS, DEFAULT, ONNX, verify
from forge_core.learn.settings import CONFIG, WEIGHTS
from forge_core.locks import locked

MATCH = "match.json"
FILES = (WEIGHTS, CONFIG, ONNX, MATCH)


class _Champion(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    seat: str


class SeatCatalog:
    """The seat networks of a catalog, whose folder is made when the first one is added."""

    def __init__(self, models: Path = DEFAULT) -> None:
        self.root = models.absolute() / "seat"

    def names(self) -> list[str]:
        """The names of all of them."""
        return sorted(path.parent.name for path in self.root.glob(f"[!.]*/{SUMS}"))

    def champion(self) -> str | None:
        """The name of the champion; None = there is none yet. Raises DamagedFile."""
        path = self.root / CHAMPIONS
        try:
            return _Champion.model_validate_json(path.read_bytes()).seat
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as problem:
            raise DamagedFile.of(
                got=f"{path}, which is damaged ({problem})",
                expected="the name of the champion",
                remedy="restore the file from Git, or promote the network again",
            ) from problem

    def find(self, name: str) -> Path | None:
        """The checked folder of a network by its name, or of the "champion"; None when there is none of that name.

        Raises ModelError where no network was promoted yet, DamagedFile when its files are not what was promoted.
        """
        wanted = self.champion() if name == CHAMPION else name
        if wanted is None:
            raise ModelError.of(
                got=f"no champion among the seat networks of {self.root}",
                expected="a promoted one",
                remedy="train one with `forge train --kind seat`, or name a model folder or an .onnx file",
            )
        if wanted not in self.names():
            return None
        verify(self.root / wanted, FILES)
        return self.root / wanted

    def add(self, model: Path, name: str, *, champion: bool) -> Path:
        """Put a folder with the four files into the catalog, and make it the champion; the same one keeps its name."""
        with locked(self.root / ".lock"):
            digest = sha256_of(model / WEIGHTS)
            same = [each for each in self.names() if sha256_of(self.root / each / WEIGHTS) == digest]
            taken = name in self.names() and not same
            target = self.root / (same[0] if same else f"{name}-{digest[:6]}" if taken else name)
            if not same:
                self._write(model, target)
            if champion:
                write_text(self.root / CHAMPIONS, _Champion(seat=target.name).model_dump_json(indent=1) + "\n")
        return target

    def _write(self, model: Path, target: Path) -> None:
        for left in self.root.glob(".new-*"):
            shutil.rmtree(left)
        new = self.root / f".new-{target.name}"
        new.mkdir(parents=True)
        for file in FILES:
            shutil.copyfile(model / file, new / file)
        write_sums(new, {file: sha256_of(new / file) for file in FILES})
        new.rename(target)
