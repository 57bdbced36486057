"""The settings of an installation: where things lie on this machine. None of them changes a result."""

import os
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

CATALOG = Path(__file__).parents[1] / "models"
"""The catalog of models that is kept with the code."""


class Installation(BaseSettings):
    """Read from the environment: FORGE_HOME, FORGE_STORE, FORGE_THREADS, FORGE_MLFLOW_URI (_PAGES) and FORGE_MODELS."""

    model_config = SettingsConfigDict(env_prefix="FORGE_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path(".forge"),
        description="The folder that holds the store, the Prefect server's database and the MLflow runs.",
    )
    store_address: str | None = Field(
        default=None,
        validation_alias="FORGE_STORE",
        description="Where artifacts are kept: a folder, or s3://bucket/prefix; none = store/ in the home folder.",
    )
    threads: int = Field(default=0, ge=0, description="Threads of the solver; 0 = one for every core it may use.")
    mlflow_uri: str | None = Field(
        default=None, description="Address of an MLflow tracking server; none = SQLite in the home folder."
    )
    mlflow_pages: str | None = Field(
        default=None, description="Where browsers reach that server's pages; none = at the same address."
    )
    models: Path = Field(default=CATALOG, description="The catalog of promoted models.")

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
        return self.mlflow_uri or f"sqlite:///{self.mlflow / 'mlflow.db'}"

    def thread_count(self) -> int:
        """How many threads to compute with."""
        return self.threads or (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


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
