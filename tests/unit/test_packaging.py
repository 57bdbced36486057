"""What our packages import is declared in pyproject.toml, and the container's image is made of that."""

import ast
import re
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("forge_core", "forge_view", "tasks", "flows", "configs", "deployments")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {"cupy": ["cupy-cuda12x"], "pyspiel": ["open_spiel"], "pettingzoo": ["pettingzoo"]} | dict(
    packages_distributions()
)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name)[0]).lower()


def _imports(room: str) -> dict[str, Path]:
    """The top packages, not ours and not Python's, that the modules of a room import, anywhere in them."""
    found: dict[str, Path] = {}
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                found.setdefault(name.split(".")[0], path.relative_to(ROOT))
    return {name: path for name, path in found.items() if name not in {*ROOMS, *sys.stdlib_module_names}}


def test_every_package_that_we_import_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    used = [*PROJECT["dependencies"], *(each for name, given in extras.items() if name != "dev" for each in given)]
    declared = {_normal(each) for each in used}
    imported = {name: path for room in ROOMS for name, path in _imports(room).items()}
    assert {"numpy", "prefect", "modal"} <= imported.keys()
    missing = {
        name: path
        for name, path in imported.items()
        if not declared & set(map(_normal, DISTRIBUTIONS.get(name, [name])))
    }
    assert not missing, "imported, and not among the dependencies of pyproject.toml"


def test_a_container_on_modal_gets_what_our_library_imports() -> None:
    """Named, or needed by what is named; other programs' environments and publishing stay here."""
    pytest.importorskip("modal", reason="the extra modal is not installed")
    from tasks.remote.image import LEARNER, SOLVER

    waiting, there = [*SOLVER, *LEARNER, "cupy-cuda12x"], {"cupy-cuda12x"}
    while waiting:
        name = waiting.pop()
        if (key := _normal(name)) not in there:
            there.add(key)
            with suppress(PackageNotFoundError):
                waiting += [each for each in distribution(name).requires or () if "extra ==" not in each]
                waiting = [_normal(each) for each in waiting]
    needed = _imports("forge_core") | _imports("configs")
    needed = {name: path for name, path in needed.items() if not {"environments", "publish"} & {*path.parts}}
    missing = {
        name: path for name, path in needed.items() if not there & set(map(_normal, DISTRIBUTIONS.get(name, [name])))
    }
    assert not missing, "imported, and not in the image of tasks/remote/image.py"


def test_every_room_is_packed() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench", "examples"}
    assert rooms == set(ROOMS)
