"""Every package that is installed for us has one version, which constraints.txt names."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = "crystal-forge"
PYTHONS = ("3.11.0", "3.12.0")
"""The first of each version that we allow: redis wants async-timeout before 3.11.3."""


def _pins() -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    found: dict[str, str] = {}
    for line in filter(None, lines):
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;.*)?", line)
        assert match, f"constraints.txt pins nothing in the line {line!r}"
        found[canonicalize_name(match[1])] = match[2]
    return found


def _needed() -> dict[str, str]:
    """What is installed of all that we need, and what that needs in turn: name -> version.

    What another package needs in one version alone, as torch does CUDA's libraries, is pinned by that.
    """
    found: dict[str, str] = {}
    waiting: list[tuple[str, tuple[str, ...], bool]] = [(OURS, ("dev", "modal"), True)]
    seen: set[tuple[str, tuple[str, ...], bool]] = set()
    while waiting:
        asked = name, extras, pinned = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another system
        if not pinned:
            found[canonicalize_name(name)] = package.version
        for requirement in map(Requirement, package.requires or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                one = any(each.operator == "==" and "*" not in each.version for each in requirement.specifier)
                waiting.append((requirement.name, tuple(sorted(requirement.extras)), one))
    return found


def test_constraints_pin_all_that_is_installed() -> None:
    pins, needed = _pins(), _needed()
    assert {"torch", "prefect", "mlflow", "grpclib", "anyio"} <= needed.keys()
    assert not needed.keys() - pins.keys(), "not pinned"


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_what_another_python_would_get(python: str) -> None:
    pins, short = _pins(), python.rpartition(".")[0]
    environment = {"python_full_version": python, "python_version": short, "extra": ""}
    floating = {
        f"{requirement.name} for {name}"
        for name in _needed()
        for requirement in map(Requirement, distribution(name).requires or ())
        if (requirement.marker is None or requirement.marker.evaluate(environment))
        and canonicalize_name(requirement.name) not in pins
    }
    assert not floating


def test_what_is_installed_is_what_is_pinned() -> None:
    pins = _pins()
    other = {name: version for name, version in _needed().items() if name in pins and not _same(version, pins[name])}
    assert not other


def _same(installed: str, pinned: str) -> bool:
    return installed.partition("+")[0] == pinned.partition("+")[0]  # torch names what it was built for
