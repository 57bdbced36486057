"""One machine for all tests of a file: everything that `forge up` starts, but MLflow."""

from collections.abc import Iterator

import pytest

from tests.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("home"))
    try:
        home.must("up", "--detach", "--no-mlflow")
        yield home
    finally:
        home.kill()
