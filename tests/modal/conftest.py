"""A control plane of Modal's on this machine, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import modal.client
import pytest
from control_plane import ControlPlane, for_forge


@pytest.fixture(scope="session")
def shared_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with for_forge(tmp_path_factory.mktemp("plane")) as plane:
        yield plane
        if modal.client._Client._client_from_env:
            modal.Client.from_env().close()


@pytest.fixture
def control_plane(
    shared_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ControlPlane]:
    """The control plane with nothing in it; this process and those that it starts use it, and a home of their own."""
    for name, text in shared_plane.environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    yield shared_plane
    shared_plane.reset()
