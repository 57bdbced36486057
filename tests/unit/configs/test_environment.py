"""The environment: what reaches our processes of the caller's, and what becomes of blank and wrong variables."""

import os
import stat
from pathlib import Path
from urllib.request import proxy_bypass_environment  # pyright: ignore[reportAttributeAccessIssue]

import httpx
import pytest

from configs.environment import bare, proxies
from configs.installation import Installation, given_api_url, local_environment, sqlite_url
from flows import server
from forge_core.errors import InputError

HOSTILE = {
    "PREFECT_SERVER_API_HOST": "0.0.0.0",
    "PREFECT_SERVER_API_AUTH_STRING": "some:body",
    "PREFECT_API_AUTH_STRING": "some:body",
    "PREFECT_API_KEY": "key",
    "PREFECT_PROFILE": "work",
    "MLFLOW_REGISTRY_URI": "http://elsewhere",
    "MLFLOW_TRACKING_URI": "http://elsewhere",
    "UVICORN_HOST": "0.0.0.0",
    "GUNICORN_CMD_ARGS": "--bind 0.0.0.0",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "HTTPS_PROXY": "http://elsewhere",
    "PYTHONIOENCODING": "ascii",
}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(home=tmp_path / "home")


def test_servers_get_an_environment_of_ours(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in HOSTILE.items():
        monkeypatch.setenv(name, text)
    ours = server.prefect_service(installation).environment(4200)
    assert ours["PREFECT_SERVER_API_AUTH_STRING"] == ours["PREFECT_API_AUTH_STRING"] == installation.credential()
    assert ours["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200,http://localhost:4200"
    assert "--host 127.0.0.1" in " ".join(server.prefect_service(installation).command(4200))
    for environment in (ours, server.mlflow_service(installation).environment(5000), bare(os.environ)):
        assert not {name for name, text in HOSTILE.items() if environment.get(name) == text}
        assert environment["PATH"] == os.environ["PATH"]


def test_a_local_server_is_reached_with_its_own_credential(installation: Installation) -> None:
    ours = local_environment(installation, "http://127.0.0.1:4200/api", {**HOSTILE, "PATH": "/bin"})
    assert ours["PREFECT_API_AUTH_STRING"] == installation.credential()
    assert not ours.keys() & {"PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_SERVER_API_HOST"}
    assert ours["PATH"] == "/bin"


def test_the_credential_is_random_kept_and_for_this_user_alone(tmp_path: Path) -> None:
    one, other = Installation(home=tmp_path / "one"), Installation(home=tmp_path / "other")
    assert one.credential() == one.credential() != other.credential()
    path = one.prefect / "credential"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    before = one.credential()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(before[:12])
    assert len(one.credential()) == len(before)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h", "socks"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "https_proxy"])
@pytest.mark.parametrize("exceptions", [{}, {"NO_PROXY": "example.com"}, {"no_proxy": "example.com", "NO_PROXY": ""}])
def test_this_machine_is_reached_without_a_proxy(
    scheme: str, name: str, exceptions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [each for each in os.environ if each.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    given = {name: f"{scheme}://127.0.0.1:9", **exceptions}
    for variable, text in (given | proxies(given)).items():
        monkeypatch.setenv(variable, text)
    assert proxy_bypass_environment("127.0.0.1")
    assert proxy_bypass_environment("localhost")
    assert not proxy_bypass_environment("elsewhere.org")
    with httpx.Client() as client:  # raises for a scheme that it does not know
        assert client._transport_for_url(httpx.URL("http://127.0.0.1:4200")) is client._transport
    if exceptions:
        assert proxy_bypass_environment("example.com")


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_variable_is_unset(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("FORGE_HOME", "FORGE_STORE", "FORGE_THREADS", "FORGE_MLFLOW_URI", "FORGE_MODELS", "PREFECT_API_URL")
    for name in names:  # whatever the tests were started with
        monkeypatch.delenv(name, raising=False)
    usual = Installation(_env_file=None)
    for name in names:
        monkeypatch.setenv(name, blank)
    assert Installation().home == usual.home == Path(".forge")
    assert Installation().store == usual.store
    assert Installation().thread_count() >= 1
    assert Installation().tracking_uri.startswith("sqlite")
    assert given_api_url() is None


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("FORGE_HOME", "~/forge")
    monkeypatch.setenv("FORGE_STORE", "~/store")
    assert Installation().home == Path("/somewhere/forge")
    assert Installation().store == Path("/somewhere/store")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("FORGE_THREADS", text) for text in ("abc", "-1", "1.5", "99999999999999999999")),
        *(("FORGE_STORE", "ftp://x"), ("FORGE_MLFLOW_URI", "mlruns"), ("FORGE_HOME", "\udcff")),
    ],
)
def test_a_wrong_variable_is_one_clear_line(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(InputError, match=f"Got {name}={text}. Expected .*unset it"):
        Installation()


@pytest.mark.parametrize("text", ["localhost:4200/api", "ftp://x/api", "http://", "x"])
def test_a_wrong_server_is_one_clear_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", text)
    with pytest.raises(InputError, match="unset it"):
        given_api_url()


def test_blanks_and_slashes_around_a_server_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", " http://server/api/ ")
    assert given_api_url() == "http://server/api"


@pytest.mark.parametrize("name", ["a b", "100%", "a%20b", "what?", "c#", "ü"])
def test_a_database_lies_where_its_folder_is(name: str, tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    path = tmp_path / name / "x.db"
    path.parent.mkdir()
    with create_engine(sqlite_url("sqlite+pysqlite", path)).connect():
        assert path.exists()
    assert [each.name for each in tmp_path.iterdir()] == [name]
