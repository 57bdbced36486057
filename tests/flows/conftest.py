"""One real Prefect server for all tests of flows; every test has a home of its own."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from configs.installation import Installation, prefect_environment


def pytest_itemcollected(item: pytest.Item) -> None:
    """Warnings about MLflow's and Prefect's own database code are not ours to mend."""
    if Path(__file__).parent in item.path.parents:
        item.add_marker(pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"))


@pytest.fixture(scope="session")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server that lives as long as the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in prefect_environment(Installation(home=tmp_path_factory.mktemp("home")), "").items():
            if name not in ("PREFECT_API_URL", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"):
                patch.setenv(name, value)
        from prefect.logging.configuration import setup_logging
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
        from prefect.testing.utilities import prefect_test_harness

        no_heartbeat = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
        with prefect_test_harness(server_startup_timeout=180), no_heartbeat:
            setup_logging()
            yield PREFECT_API_URL.value()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_url: str) -> Path:
    """The home folder of a fresh installation that uses the test server."""
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORGE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FORGE_THREADS", "2")
    monkeypatch.setenv("PREFECT_API_URL", api_url)
    return tmp_path / "home"


@pytest.fixture
def log(home: Path, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Our own log lines, which do not propagate to the root logger."""
    loggers = [logging.getLogger(name) for name in ("forge_core", "forge_view", "tasks", "flows")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    yield caplog
    for logger in loggers:
        logger.removeHandler(caplog.handler)


@pytest.fixture
def stages(log: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """A function that tells the stages since its last call, in order, as "generate made" or "generate cached"."""

    def outcomes() -> list[str]:
        lines = [record.getMessage().split()[:2] for record in log.records if record.name == "tasks.run"]
        log.clear()
        return [" ".join(words) for words in lines]

    return outcomes
