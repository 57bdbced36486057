"""compose.yaml: what can be known of it without Docker, and with it if it is there."""

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
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.installation import Installation, prefect_environment
from tests.home import wait_for

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deployments" / "compose.yaml"
SECRETS = {"POSTGRES_PASSWORD": "one", "FORGE_AUTH": "admin:two"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())["services"]


def filled_in(text: str) -> str:
    """A value as Compose would read it, with our secrets."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", lambda m: SECRETS.get(m[1], m[2] or ""), text)


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
    text = FILE.read_text()
    for secret in SECRETS:
        assert f"${{{secret}:?" in text
        assert f"${{{secret}:-" not in text
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_passwords_stand_on_no_command_line_and_in_no_address(services: dict[str, Any]) -> None:
    for name, service in services.items():
        words = [service.get("command", ""), *service.get("environment", {}).values()]
        for secret in SECRETS:
            given = [text for text in words if f"${{{secret}" in text]
            assert f"${{{secret}" not in service.get("command", ""), name
            assert all(text.startswith("${") and text.endswith("}") for text in given), name


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


def test_the_server_starts_by_its_command_and_asks_for_the_password(services: dict[str, Any], tmp_path: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT", "FORGE"))}
    given = {name: filled_in(value) for name, value in services["prefect"]["environment"].items()}
    database = (
        f"sqlite+aiosqlite:///{tmp_path}/prefect.db"  # PostgreSQL is not always at hand; its URL is the only change
    )
    environment = kept | given | {"PREFECT_HOME": str(tmp_path), "PREFECT_API_DATABASE_CONNECTION_URL": database}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python, *command = services["prefect"]["command"].replace("0.0.0.0", "127.0.0.1").split()
    assert python == "python"
    words = [sys.executable, *command, "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)

    def status(path: str, password: str | None = None) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api{path}")
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
        wait_for(lambda: status("/health") == 200, f"the server answers: {(tmp_path / 'log').read_text()}")
        assert status("/admin/version") == 401
        assert status("/admin/version", "admin:wrong") == 401
        assert status("/admin/version", SECRETS["FORGE_AUTH"]) == 200
    finally:
        process.kill()
        process.wait()


def test_docker_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker Compose is not installed, and it alone can say whether it accepts the file")
    command = [docker, "compose", "-f", str(FILE), "--profile", "gpu", "config", "--quiet"]
    subprocess.run(command, env=os.environ | SECRETS, check=True, capture_output=True)
