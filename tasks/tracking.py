"""The MLflow room: runs with their settings, metrics and files, and the registry of promoted models.

MLflow takes seconds to import and to open its database, and is needed only when something is really computed. So it is
imported by the first run that is tracked, and its calls are made in order on a thread of their own: training does not
wait for them.
"""

import importlib
import json
import logging
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.installation import Installation
from forge_core.artifacts.reference import Reference
from forge_core.files import write_text
from forge_core.locks import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

logger = logging.getLogger(__name__)

EXPERIMENT = "crystal-forge"
CHAMPION = "champion"
"""The alias of the version that is the best model of its kind."""

_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Shows the pages of trainings, not those for language models."""

_ACCESS = (
    *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_S3_ENDPOINT_URL"),
    *("MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
)
"""What a tracking server elsewhere may ask for."""

_LONGEST_PARAMETER = 6000  # characters that MLflow accepts


class RunName(NamedTuple):
    """How MLflow names a run."""

    experiment: str
    run: str

    @property
    def page(self) -> str:
        """The path of the run's page in the MLflow UI."""
        return f"/#/experiments/{self.experiment}/runs/{self.run}"


class TrackedRun:
    """A running MLflow run; every method returns at once. What MLflow cannot record is logged, the work goes on."""

    def __init__(self, name: str, parameters: Mapping[str, Any], tags: Mapping[str, str], *, goes_on: bool) -> None:
        self._calls = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self._pending: list[Future[None]] = []
        self._started = self._calls.submit(_start, name, parameters, tags, goes_on=goes_on)

    @property
    def name(self) -> RunName | None:
        """How MLflow names the run; None until MLflow has answered, and when it failed."""
        known = self._started.done() and not self._started.exception()
        return self._started.result()[1] if known else None

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log the numbers of a step."""
        numbers, milliseconds = dict(values), int(time.time() * 1000)

        def log(client: "MlflowClient", run: str) -> None:
            from mlflow.entities import Metric

            metrics = [Metric(name, float(value), milliseconds, step) for name, value in numbers.items()]
            client.log_batch(run, metrics=metrics)

        self._submit(log)

    def file(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file with the run, in a folder of its files; it must stay there until `tracked` ends."""
        self._submit(lambda client, run: client.log_artifact(run, str(path), folder))

    def register(self, model: str, folder: Path, tags: Mapping[str, str], *, champion: bool) -> None:
        """Keep the files of `folder` as a version of a registered model, with tags, and make it the champion or not.

        The tag `weights` names the version: one that is there is not made again. `folder` must stay until the end.
        """

        def register(client: "MlflowClient", run: str) -> None:
            known = client.search_model_versions(f"name='{model}' and tags.weights='{tags['weights']}'")
            version = known[0].version if known else _new_version(client, run, model, folder, tags=dict(tags))
            if champion:
                client.set_registered_model_alias(model, CHAMPION, str(version))

        self._submit(register)

    def end(self, status: str) -> None:
        """End the run once everything was logged, and learn its name."""
        self._submit(lambda client, run: client.set_terminated(run, status))
        self._calls.shutdown()
        faults = [fault for call in self._pending if (fault := call.exception())]
        if faults:
            logger.warning("MLflow did not record the run: %s", faults[0])

    def _submit(self, log: "Callable[[MlflowClient, str], object]") -> None:
        self._pending.append(self._calls.submit(self._log, log))

    def _log(self, log: "Callable[[MlflowClient, str], object]") -> None:
        client, name = self._started.result()
        log(client, name.run)


@contextmanager
def tracked(
    name: str, *, parameters: Mapping[str, Any], tags: Mapping[str, str], goes_on: bool = False
) -> Generator[TrackedRun]:
    """An MLflow run around a block; it is FAILED when the block raises.

    tags     with a `key`, which one process at a time may use: runs of it that were killed are not left as running
    goes_on  the work of the last of them is continued, and so is its run
    """
    _import_mlflow()
    run = TrackedRun(name, parameters, tags, goes_on=goes_on)
    try:
        yield run
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")


def remember(reference: Reference, name: RunName) -> None:
    """Note which run made an object, so that a cached object still leads to its run."""
    write_text(_note(reference), json.dumps(name._asdict()))


def recall(reference: Reference) -> RunName | None:
    """The run that made an object; None when it was not made here, or the note of it is damaged."""
    return _read(_note(reference))


def object_of(run: str) -> str | None:
    """The digest of the object that an MLflow run made, by the run's id; None when no run of that id made one here."""
    for path in Installation().mlflow.glob("runs/*.json"):
        if (name := _read(path)) is not None and name.run == run:
            return path.stem
    return None


def fetch(run: str, names: Sequence[str], folder: Path) -> bool:
    """Copy files that a run kept into a folder; False when MLflow knows no such run, or none with these files."""
    installation = Installation()
    if installation.mlflow_uri is None and not (installation.mlflow / "mlflow.db").exists():
        return False
    _import_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    folder.mkdir(parents=True, exist_ok=True)
    try:
        client = MlflowClient(installation.tracking_uri, installation.tracking_uri)
        for name in names:
            client.download_artifacts(run, name, str(folder))
    except (MlflowException, OSError) as problem:
        logger.info("MLflow has no files %s of a run %s: %s", ", ".join(names), run, problem)
        return False
    return True


def address(name: RunName) -> str:
    """Where the run's page is: on the tracking server, or on the local pages once `forge ui mlflow` shows them."""
    installation = Installation()
    return (installation.mlflow_pages or installation.mlflow_uri or _local_pages()) + name.page


def address_of(name: RunName | None) -> str | None:
    """Where the page of a run is that may not be known."""
    return None if name is None else address(name)


def _local_pages() -> str:
    """Where MLflow's local pages are, or will usually be."""
    try:
        return json.loads((Installation().mlflow / "server.json").read_text())["address"]
    except (FileNotFoundError, ValueError, KeyError):
        return "http://127.0.0.1:5000"


def _new_version(client: "MlflowClient", run: str, model: str, folder: Path, *, tags: dict[str, str]) -> str:
    if not client.search_registered_models(f"name='{model}'"):
        client.create_registered_model(model)
    client.log_artifacts(run, str(folder), "model")
    place = f"{client.get_run(run).info.artifact_uri}/model"
    return str(client.create_model_version(model, place, run, tags=tags).version)


def _unfinished(client: "MlflowClient", experiment: str, key: str | None) -> "list[RunInfo]":
    """The runs of a key that did not come to their end, the last one first."""
    if key is None:
        return []
    words = f"tags.`key` = '{key}' and attributes.status != 'FINISHED'"
    return [run.info for run in client.search_runs([experiment], words)]


def _note(reference: Reference) -> Path:
    return Installation().mlflow / "runs" / f"{reference.digest}.json"


def _read(note: Path) -> RunName | None:
    """What a note says; None when there is none, or it was cut: it only leads to a page, and is not worth an error."""
    try:
        return RunName(**json.loads(note.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _import_mlflow() -> None:
    """Import MLflow on the calling thread: its modules import each other, and when two threads do it at once, Python
    lets one of them see a half of it.

    The caller's MLFLOW_* variables may be meant for something else: none of them counts, but for the name and password
    of a server that FORGE_MLFLOW_URI names.
    """
    kept = _ACCESS if Installation().mlflow_uri else ()
    for name in [name for name in os.environ if name.startswith("MLFLOW_") and name not in kept]:
        del os.environ[name]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_LOGGING_LEVEL"] = "WARNING"
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "3"  # a few seconds; by default it is minutes
    importlib.import_module("mlflow.entities")


def _start(
    name: str, parameters: Mapping[str, Any], tags: Mapping[str, str], *, goes_on: bool
) -> "tuple[MlflowClient, RunName]":
    from mlflow import MlflowClient
    from mlflow.entities import Param

    logging.getLogger("alembic").setLevel(logging.WARNING)
    installation = Installation()
    with locked(installation.mlflow / "database.lock"):  # two processes must not both make the tables
        client = MlflowClient(installation.tracking_uri, installation.tracking_uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        place = None if installation.mlflow_uri else str(installation.mlflow / "artifacts")
        experiment = (
            found.experiment_id if found else client.create_experiment(EXPERIMENT, artifact_location=place, tags=_KIND)
        )
    for run in _unfinished(client, experiment, tags.get("key")):
        if goes_on:
            client.update_run(run.run_id, "RUNNING")
            return client, RunName(experiment, run.run_id)
        if run.status == "RUNNING":
            client.set_terminated(run.run_id, "KILLED")
    run = client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id
    values = [Param(key, str(value)[:_LONGEST_PARAMETER]) for key, value in parameters.items()]
    client.log_batch(run, params=values)
    return client, RunName(experiment, run)
