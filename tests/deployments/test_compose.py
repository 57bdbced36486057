"""compose.yaml: what can be known of it without Docker, and with it if it is there."""

import ast
import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from configs.installation import Installation, prefect_environment
from tests.home import wait_for
from tests.postgres import Postgres, has_postgres

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deployments" / "compose.yaml"
DATABASES = ROOT / "deployments" / "databases.sql"

Asking = Callable[..., int]
"""Asks for a path, with or without "name:password"; the status of the answer, 0 when there is none."""

PASSWORDS = {
    "postgres": "the superuser's",
    "prefect_database": "p@:/'\"$\\%",
    "mlflow_database": "m ä",
    "prefect": "admin:two",
    "mlflow": "three:%",
}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def services(composed: dict[str, Any]) -> dict[str, Any]:
    return composed["services"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder /run/secrets of a container."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, password in PASSWORDS.items():
        (folder / name).write_text(password)
    return folder


def filled_in(text: str, secrets: Path) -> str:
    """A value as Compose would read it, with our folder of secrets."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("/run/secrets", str(secrets))


def test_services_wait_for_what_they_need_and_say_when_they_are_ready(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            ready = "healthcheck" in services[other] if condition["condition"] == "service_healthy" else True
            assert ready, f"{name} waits for the health of {other}"
        assert name == "deploy" or "healthcheck" in service, name
    assert services["deploy"]["restart"] == "no"


def test_nothing_is_published_beyond_loopback_and_no_secret_has_a_default(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_secrets_are_files_of_those_that_need_them(composed: dict[str, Any], services: dict[str, Any]) -> None:
    assert composed["secrets"].keys() == PASSWORDS.keys()
    assert all(secret.keys() == {"environment"} for secret in composed["secrets"].values()), "none has a default"
    variables = [secret["environment"] for secret in composed["secrets"].values()]
    assert not [name for name in variables if f"${{{name}" in FILE.read_text()], "they stand in no setting or command"
    for name, service in services.items():
        read = re.findall(r"/run/secrets/(\w+)", " ".join(service["environment"].values()))
        if name == "postgres":
            assert service["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres"
            read += re.findall(r"/run/secrets/(\w+)", DATABASES.read_text())
        assert sorted(set(read)) == sorted(service["secrets"]), name


def test_a_command_gets_the_variables_that_lie_in_files(secrets: Path) -> None:
    def run(**given: str) -> "subprocess.CompletedProcess[str]":
        words = [
            "sh",
            ROOT / "deployments" / "with_secrets.sh",
            sys.executable,
            "-c",
            "import os; print(dict(os.environ))",
        ]
        return subprocess.run(
            words, env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, check=False
        )

    found = run(PGPASSWORD_FILE=str(secrets / "prefect_database"), SSL_CERT_FILE="/x", PREFECT_API_AUTH_STRING="given")
    made = ast.literal_eval(found.stdout)
    assert made["PGPASSWORD"] == PASSWORDS["prefect_database"]
    assert (made["SSL_CERT_FILE"], made["PREFECT_API_AUTH_STRING"]) == ("/x", "given")
    assert "PGPASSWORD_FILE" not in made
    (secrets / "mlflow").write_text("")
    for path in (secrets / "mlflow", secrets / "nothing"):
        assert run(MLFLOW_TRACKING_PASSWORD_FILE=str(path)).returncode != 0, "no service starts without its password"


@pytest.mark.skipif(not has_postgres(), reason="PostgreSQL is not installed")
def test_a_role_reaches_its_own_database_by_its_own_password_alone(secrets: Path, tmp_path: Path) -> None:
    script = tmp_path / "databases.sql"
    script.write_text(DATABASES.read_text().replace("/run/secrets", str(secrets)))

    async def ask(server: Postgres, role: str, database: str, password: str, words: str) -> Any:
        address = server.url.replace("postgresql+asyncpg://postgres@", "postgresql://").rpartition("/")[0]
        connection = await asyncpg.connect(f"{address}/{database}", user=role, password=password)
        try:
            return await connection.fetchval(words)
        finally:
            await connection.close()

    with Postgres() as server:
        server.sql(script)
        server.want_passwords()
        for mine, other in (("prefect", "mlflow"), ("mlflow", "prefect")):
            password = PASSWORDS[f"{mine}_database"]
            for words in ("CREATE TABLE mine (n int)", "CREATE EXTENSION pg_trgm"):  # Prefect makes that one
                asyncio.run(ask(server, mine, mine, password, words))
            rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles"
            assert asyncio.run(ask(server, mine, mine, password, f"{rights} WHERE rolname = current_user")) is False
            with pytest.raises(asyncpg.InvalidPasswordError):
                asyncio.run(ask(server, mine, mine, PASSWORDS[f"{other}_database"], "SELECT 1"))
            for foreign in (other, "postgres", "template1"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    asyncio.run(ask(server, mine, foreign, password, "SELECT 1"))


def test_images_are_named_by_their_version_and_the_code_is_not_the_users(services: dict[str, Any]) -> None:
    dockerfile = (ROOT / "deployments" / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)$", dockerfile, re.MULTILINE)
    for image in [*bases, services["postgres"]["image"]]:
        assert re.search(r":\d+\.\d+", image), image
    assert "chown" not in dockerfile
    assert dockerfile.index("pip install") < dockerfile.index("USER forge")
    assert services["mlflow"]["volumes"] == ["mlflow:/data/mlflow"]


def test_the_environment_is_the_one_that_forge_up_gives_its_processes(services: dict[str, Any]) -> None:
    ours = prefect_environment(Installation(), "http://prefect:4200/api")
    ours["PREFECT_LOGGING_CONFIG_PATH"] = "/app/configs/logging.yaml"
    together = services["prefect"]["environment"] | services["worker-cpu"]["environment"]
    for name, value in ours.items():
        if name != "PREFECT_HOME":
            assert together[name] == value, name
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            assert isinstance(value, str), f"{name}: {key} has to be quoted"
            if key in ours and key != "PREFECT_HOME":
                assert value == ours[key], f"{name}: {key}"


def test_the_image_holds_every_package_and_what_is_read_beside_them() -> None:
    ignored = (ROOT / "deployments" / "Dockerfile.dockerignore").read_text().split("\n")
    kept = {line[1:] for line in ignored if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= kept
    assert {"models", "prefect.yaml", "pyproject.toml", "constraints.txt"} <= kept
    after = ignored[ignored.index("!deployments") :]
    assert "**/.env" in after, "secrets stay out of the image"


@contextmanager
def started(service: dict[str, Any], changes: dict[str, str], secrets: Path, tmp_path: Path) -> Iterator[Asking]:
    """A service's command in its environment, on another port and on SQLite; PostgreSQL is not always at hand."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT", "FORGE", "MLFLOW"))}
    given = {name: filled_in(value, secrets) for name, value in service["environment"].items()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = filled_in(service["command"], secrets).replace("0.0.0.0", "127.0.0.1")
    for old, new in changes.items():
        command = command.replace(old, new)
        given = {name: value.replace(old, new) for name, value in given.items()}
    python, *words = command.split()
    assert python == "python"
    start = ["sh", ROOT / "deployments" / "with_secrets.sh", sys.executable, *words, "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(start, env=kept | given, stdout=output, stderr=output, cwd=ROOT)

    def status(path: str, password: str | None = None) -> int:
        assert process.poll() is None, log.read_text()
        published = service["ports"][0].rpartition(":")[0]
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": published})
        if password is not None:
            request.add_header("Authorization", f"Basic {b64encode(password.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    try:
        yield status
    finally:
        process.terminate()
        process.wait()


def test_prefect_starts_by_its_command_and_asks_for_the_password(
    services: dict[str, Any], secrets: Path, tmp_path: Path
) -> None:
    changes = {
        "/data/prefect": str(tmp_path),
        "postgresql+asyncpg://prefect@postgres/prefect": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
    }
    with started(services["prefect"], changes, secrets, tmp_path) as status:
        wait_for(lambda: status("/api/health") == 200, "an answer of the server")
        assert status("/api/admin/version") == 401
        assert status("/api/admin/version", "admin:wrong") == 401
        assert status("/api/admin/version", PASSWORDS["prefect"]) == 200


def test_mlflow_starts_by_its_command_and_asks_for_the_password(
    services: dict[str, Any], secrets: Path, tmp_path: Path
) -> None:
    changes = {
        "/data/mlflow": str(tmp_path),
        "postgresql+psycopg2://mlflow@postgres/mlflow": f"sqlite:///{tmp_path}/mlflow.db",
    }
    with started(services["mlflow"], changes, secrets, tmp_path) as status:
        wait_for(lambda: status("/health") == 200, "an answer of the server")
        for path in ("/", "/version", "/api/2.0/mlflow/experiments/search?max_results=1"):
            assert status(path) == status(path, "forge:wrong") == status(path, f"admin:{PASSWORDS['mlflow']}") == 401
            assert status(path, f"forge:{PASSWORDS['mlflow']}") == 200


def test_docker_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker Compose is not installed, and it alone can say whether it accepts the file")
    command = [docker, "compose", "-f", str(FILE), "--profile", "gpu", "config", "--quiet"]
    given = {f"FORGE_{name}": "x" for name in ("AUTH", "MLFLOW_PASSWORD", "POSTGRES_PASSWORD")}
    given |= {f"FORGE_{name}_DATABASE_PASSWORD": "x" for name in ("PREFECT", "MLFLOW")}
    subprocess.run(command, env=os.environ | given, check=True, capture_output=True)
