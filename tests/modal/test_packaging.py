"""What the images hold is what the code in them needs."""

import ast
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import modal
import pytest
from control_plane import ControlPlane
from packaging.requirements import Requirement
from packaging_app import app

from configs.modal import MACHINES
from deployments import images, modal_app

OURS = set(images.ROOMS)
SOLVER = ("deployments.modal_app", "deployments.work", "forge_core.shards.generate")
LEARNER = (
    *SOLVER,
    "forge_core.expected_q.generate",
    "forge_core.learn.export",
    "forge_core.learn.train",
    "tasks.evaluate",
    "tasks.oracles",
)


def test_a_container_finds_all_of_ours_and_what_lies_beside_it(control_plane: ControlPlane) -> None:
    app.deploy()
    place, kernels = modal.Function.from_name("packaging", "complete").remote()
    assert not place.startswith(str(Path(__file__).parents[2]))
    assert kernels == "//"


def test_a_room_that_was_left_out_is_missed(control_plane: ControlPlane) -> None:
    app.deploy()
    with pytest.raises(ModuleNotFoundError, match="forge_core"):
        modal.Function.from_name("packaging", "without_forge_core").remote()


@pytest.mark.parametrize(
    ("modules", "pinned"),
    [
        pytest.param(SOLVER, images.SOLVER, id="solver"),
        pytest.param(LEARNER, (*images.SOLVER, *images.LEARNER), id="learner", marks=pytest.mark.slow),
    ],
)
def test_every_package_that_is_imported_is_in_the_image(modules: tuple[str, ...], pinned: tuple[str, ...]) -> None:
    names = packages_distributions()
    needed = {plain(names[module][0]) for module in imported_by(modules) if module in names}
    assert needed - installed_with(pinned) <= {"modal"}


def installed_with(pinned: tuple[str, ...]) -> set[str]:
    """The distributions that pip installs with some, themselves included."""
    found: set[str] = set()
    waiting = [plain(name) for name in pinned]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            with suppress(PackageNotFoundError):
                needs = [Requirement(text) for text in requires(name) or ()]
                waiting += [
                    plain(need.name) for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
                ]
    return found


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def imported_by(modules: tuple[str, ...]) -> set[str]:
    """The packages not of ours that modules, and those of ours that they load, import at their top."""
    script = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    script += "print(json.dumps({name: module.__file__ for name, module in sys.modules.items() "
    script += f"if name.split('.')[0] in {OURS} and module.__file__}}))"
    answer = subprocess.run([sys.executable, "-c", script, *modules], capture_output=True, text=True, check=True)
    found: set[str] = set()
    for file in json.loads(answer.stdout).values():
        for node in ast.parse(Path(file).read_text()).body:
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


def test_the_app_is_imported_where_not_every_package_of_every_image_is() -> None:
    script = "import importlib.metadata as m\ndef none(name): raise m.PackageNotFoundError(name)\nm.version = none\n"
    environment = {**os.environ, "MODAL_IS_REMOTE": "1"}
    command = [sys.executable, "-c", script + "import deployments.modal_app"]
    subprocess.run(command, env=environment, check=True, timeout=60)


def test_every_function_has_limits() -> None:
    for stage, machine in MACHINES.items():
        options = modal_app.options(stage, images.solver())
        assert options["retries"] == 0
        assert options["max_containers"] <= 10
        assert 0 < options["timeout"] <= 86_400
        assert hasattr(modal_app, machine.function)
