"""Who may speak to our servers: by the middleware alone, and MLflow's own server behind it."""

import asyncio
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from starlette.responses import PlainTextResponse

from configs.installation import Installation
from flows import server
from flows.guard import Guard, Login, sign_in

CREDENTIAL = "forge:secret"
GUARD = Guard(PlainTextResponse("in"), hosts={"127.0.0.1"}, origins=["http://127.0.0.1:4200"], credential=CREDENTIAL)


def get(path: str = "/", guard: Guard | Login = GUARD, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4200") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_our_own_pages_and_programs_get_in() -> None:
    assert get().text == get(origin="http://127.0.0.1:4200").text == "in"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "", "[", "127.0.0.1@x"]
)
def test_foreign_names_are_refused(host: str) -> None:
    assert get(host=host).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:4201", "https://127.0.0.1:4200"])
def test_pages_of_other_origins_are_refused(origin: str) -> None:
    assert get(origin=origin).status_code == 403


def test_websockets_are_refused_alike() -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": [(b"host", b"127.0.0.1"), (b"origin", b"http://evil.example")]}
    asyncio.run(GUARD(scope, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_ticket_opens_the_sign_in_page_once(monkeypatch: pytest.MonkeyPatch) -> None:
    path = sign_in(CREDENTIAL, "/runs/flow-run/1")
    assert CREDENTIAL not in path
    page = get(path)
    assert page.status_code == 200
    assert "/runs/flow-run/1" in page.text
    assert "Zm9yZ2U6c2VjcmV0" in page.text, "what the UI keeps: base64 of the credential"
    assert page.headers["cache-control"] == "no-store"
    assert get(path).status_code == 403
    late, now = sign_in(CREDENTIAL, "/"), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 121)
    assert get(late).status_code == 403


@pytest.mark.parametrize("ticket", ["", "x", "9999999999.a.", "9999999999.a.b", "nan.a.b", "ä.ö.ü"])
def test_forged_tickets_open_nothing(ticket: str) -> None:
    assert get(f"/sign-in?{urlencode({'ticket': ticket})}").status_code == 403


@pytest.mark.parametrize("page", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_our_pages_only(page: str) -> None:
    assert "evil" not in (text := get(sign_in(CREDENTIAL, page)).text)
    assert "alert" not in text
    assert "</script><b>" not in get(sign_in(CREDENTIAL, "/</script><b>")).text


@pytest.mark.parametrize("given", ["", "Basic", "Basic x", "Basic Zm9yZ2U6c2VjcmV0Cg==", "Bearer Zm9yZ2U6c2VjcmV0"])
def test_who_has_no_name_and_password_sees_the_health_page_alone(given: str) -> None:
    asks = Login(PlainTextResponse("in"), login=CREDENTIAL, open_path="/health")
    refused = get(guard=asks, authorization=given)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert get("/health", asks, authorization=given).text == "in"
    assert get("/health/x", asks, authorization=given).status_code == 401
    assert get(guard=asks, authorization="Basic Zm9yZ2U6c2VjcmV0").text == "in"
    assert get(guard=Login(PlainTextResponse("in"), login=None, open_path="/health")).text == "in"


@pytest.mark.filterwarnings("ignore:.*Popen.__del__")
def test_mlflow_lets_in_what_prefect_does(tmp_path: Path) -> None:
    service = server.mlflow_service(Installation(home=tmp_path))
    try:
        address = server.start(service, tell=lambda _: None).address
        server.wait(service)
        port = address.rpartition(":")[2]
        search = "/api/2.0/mlflow/experiments/search"
        ours = httpx.post(address + search, json={"max_results": 1}, headers={"origin": address})
        assert ours.json()["experiments"]
        for path in ("/", "/graphql", search):
            for origin in ("http://127.0.0.1:1", f"http://localhost.evil.example:{port}", "null"):
                assert httpx.post(address + path, json={}, headers={"origin": origin}).status_code == 403
            assert httpx.get(address + path, headers={"host": f"evil.example:{port}"}).status_code == 400
    finally:
        server.stop(service)
