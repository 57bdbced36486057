"""One machine for all tests of a file: everything that `forge up` starts, but MLflow."""

from collections.abc import Iterator

import pytest
from machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("home"))
    try:
        machine.forge("up", "--detach", "--no-mlflow")
        yield machine
    finally:
        machine.kill()
