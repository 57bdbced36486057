"""The settings of an installation: where things lie on this machine. None of them changes a result."""

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from configs.container import threads
from forge_core.errors import InputError
from forge_core.files import replacing, writing

CATALOG = Path(__file__).parents[1] / "models"
"""The catalog of models that is kept with the code."""


class Installation(BaseSettings):
    """Read from the environment: FORGE_HOME, FORGE_STORE, FORGE_THREADS, FORGE_MLFLOW_URI (_PAGES) and FORGE_MODELS.

    A blank variable counts as unset, and `~` is the home folder of the user.

    Raises:
        InputError: a variable has a value that it cannot have.
    """

    model_config = SettingsConfigDict(env_prefix="FORGE_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(
        default=Path(".forge"),
        description="The folder that holds the store, the Prefect server's database and the MLflow runs.",
    )
    store_address: str | None = Field(
        default=None,
        validation_alias="FORGE_STORE",
        description="Where artifacts are kept: a folder, or s3://bucket/prefix; none = store/ in the home folder.",
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="Threads of the solver; 0 = one for every core it may use."
    )
    mlflow_uri: str | None = Field(
        default=None, description="Address of an MLflow tracking server; none = SQLite in the home folder."
    )
    mlflow_pages: str | None = Field(
        default=None, description="Where browsers reach that server's pages; none = at the same address."
    )
    models: Path = Field(default=CATALOG, description="The catalog of promoted models.")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            fault = error.errors()[0]
            name = str(fault["loc"][0]).upper().removeprefix("FORGE_")
            raise InputError.of(
                got=f"FORGE_{name}={fault['input']}",
                expected=fault["msg"].removeprefix("Value error, ").removeprefix("Input should be "),
                remedy=f"correct FORGE_{name}, or unset it",
            ) from error

    @field_validator("*", mode="before")
    @classmethod
    def _without_blanks(cls, value: Any, info: Any) -> Any:
        """Blanks around a text do not count; a text of blanks alone is the default."""
        if not isinstance(value, str):
            return value
        return value.strip() or cls.model_fields[info.field_name].default

    @field_validator("home", "models")
    @classmethod
    def _expanded(cls, path: Path) -> Path:
        return _no_file(path.expanduser())

    @field_validator("store_address")
    @classmethod
    def _expanded_address(cls, address: str | None) -> str | None:
        if address is None or address.startswith("s3://"):
            return address
        if "://" in address:
            raise ValueError("a folder, or s3://bucket/prefix")
        return str(_no_file(Path(address).expanduser()))

    @field_validator("mlflow_uri")
    @classmethod
    def _no_folder(cls, address: str | None) -> str | None:
        if address is not None and "://" not in address:  # MLflow would write into a folder of that name
            raise ValueError("an address such as https://server:5000")
        return address

    @property
    def store(self) -> Path:
        """The folder of the artifact store; of this machine's copy of it, when it is in a bucket."""
        if self.store_address is None or self.bucket is not None:
            return self.home.absolute() / "store"
        return Path(self.store_address).absolute()

    @property
    def bucket(self) -> str | None:
        """The address of the bucket that holds the store; None when a folder does."""
        return self.store_address if (self.store_address or "").startswith("s3://") else None

    @property
    def prefect(self) -> Path:
        """The folder of the local Prefect server."""
        return self.home.absolute() / "prefect"

    @property
    def mlflow(self) -> Path:
        """The folder of the local MLflow runs."""
        return self.home.absolute() / "mlflow"

    def place(self, path: Path) -> Path:
        """The path itself, or, when it is relative as in a form of the Prefect UI, its place in the home folder."""
        return self.home.absolute() / path

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps its runs."""
        return self.mlflow_uri or sqlite_url("sqlite+pysqlite", self.mlflow / "mlflow.db")

    def credential(self) -> str:
        """Name and password of the local Prefect server, "forge:...": random, made on first use, for this user alone.

        Raises:
            StoreError: the home folder cannot be written.
        """
        path = self.prefect / "credential"
        with suppress(FileNotFoundError, UnicodeDecodeError):
            if len(known := path.read_text().strip()) >= _PASSWORD_CHARACTERS:
                path.chmod(0o600)
                return known
        with writing(self.prefect), replacing(path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w") as file:  # noqa: PTH123 (a descriptor)
                file.write(f"forge:{secrets.token_urlsafe(32)}")
        return path.read_text()  # of two processes that made one at once, the last one's holds

    def thread_count(self) -> int:
        """How many threads to compute with."""
        if self.threads:
            return self.threads
        return threads(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


def _no_file(path: Path) -> Path:
    if any("\ud800" <= each <= "\udfff" for each in str(path)):  # bytes that are no text
        raise ValueError("a folder with a name in UTF-8")
    if path.exists() and not path.is_dir():
        raise ValueError("a folder, not a file or a device")
    return path


_PASSWORD_CHARACTERS = 40
"""A credential that is shorter was cut, and another one is made."""


def sqlite_url(driver: str, path: Path) -> str:
    """The address of a SQLite file as SQLAlchemy reads it, whatever characters are in its path."""
    return f"{driver}:///{quote(str(path))}"


def given_api_url() -> str | None:
    """The Prefect server that PREFECT_API_URL names, without blanks and a slash at its end; None when it is blank.

    Raises:
        InputError: it is no address of a server.
    """
    if not (text := os.environ.get("PREFECT_API_URL", "").strip().rstrip("/")):
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError.of(
            got=f"PREFECT_API_URL={text}",
            expected="an address such as https://server/api",
            remedy="correct PREFECT_API_URL, or unset it to use a local server",
        )
    return text


def local_environment(
    installation: Installation, api_url: str, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """An environment for what speaks to the local Prefect server: the given one, but for all that concerns Prefect.

    Of the caller's PREFECT_* settings, which may be meant for another server, only the database and the level of
    logging are kept.
    """
    kept = {name: text for name, text in environment.items() if not name.startswith("PREFECT_") or name in _KEPT}
    credential = {"PREFECT_API_AUTH_STRING": installation.credential()}
    return kept | prefect_environment(installation, api_url) | credential


_KEPT = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_LOGGING_LEVEL")


def prefect_environment(installation: Installation, api_url: str) -> dict[str, str]:
    """The environment in which Prefect has to be imported: our server, one log style, nothing that calls home.

    The recorder's batches make a task run cost the server 20 ms instead of 65 ms. A flow's heartbeat is what tells a
    run that was killed from one that is busy (deployments/automations.yaml); what the server waits for outlives a week
    without it. Leases in files outlive a restart of the server, so that no limit stays taken for ever. torch's threads
    sleep while they wait: spinning ones take most of the speed as soon as anything else runs on the machine.
    """
    return {
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(installation.prefect),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_CONFIG_PATH": str(Path(__file__).with_name("logging.yaml")),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER": "P7D",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
