"""What stands before the servers of Prefect and MLflow: nobody but our own pages and clients may speak to them.

A browser sends a foreign page's requests with that page's Origin, and, when a foreign name was made to lead to this
machine (DNS rebinding), with that name as Host. Both are refused before anything reads the request.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SIGN_IN = "/sign-in"
_TICKET_SECONDS = 120
_PAGE = """<!doctype html><title>Crystal Forge</title><script>
localStorage.setItem("prefect-password", {credential}); location.replace({page});
</script>"""


def sign_in(credential: str, page: str) -> str:
    """The path of the page that gives the browser the credential and goes on to `page`: once, within two minutes.

    Unlike the credential it may be seen by others: a browser gets it on its command line.
    """
    words = f"{int(time.time()) + _TICKET_SECONDS}.{secrets.token_urlsafe(8)}"
    return f"{_SIGN_IN}?{urlencode({'ticket': f'{words}.{_signature(credential, words)}', 'page': page})}"


def origins(addresses: Iterable[str]) -> list[str]:
    """The origins (scheme, host, port) of some addresses."""
    return [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, addresses)]


class Guard:
    """ASGI middleware: answers requests with an allowed Host and no foreign Origin, and the sign-in page.

    Args:
        app: the server.
        hosts: the names that a request may be addressed to, without ports.
        origins: the origins of the pages that may send requests.
        credential: "name:password" of the server, for the sign-in page; None: there is no such page.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str], credential: str | None) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)
        self._credential = credential
        self._used: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = None
        if headers.get("host", "").partition(":")[0].lower() not in self._hosts:
            answer = PlainTextResponse("This server is not known by that name.", 400)
        elif headers.get("origin") not in (None, *self._origins):
            answer = PlainTextResponse("Pages of another origin may not use this server.", 403)
        elif scope["type"] == "http" and scope["path"] == _SIGN_IN and self._credential is not None:
            answer = self._sign_in(parse_qs(scope["query_string"].decode("latin-1")), self._credential)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    def _sign_in(self, query: dict[str, list[str]], credential: str) -> HTMLResponse | PlainTextResponse:
        given, page = query.get("ticket", [""])[0], query.get("page", ["/"])[0]
        words, _, signature = given.rpartition(".")
        sound = hmac.compare_digest(signature.encode(), _signature(credential, words).encode())
        if not sound or given in self._used or float(words.partition(".")[0]) < time.time():
            return PlainTextResponse("This address was used or is too old; type `forge ui` again.", 403)
        self._used.add(given)
        if not page.startswith("/") or page.startswith(("//", "/\\")):
            page = "/"
        encoded = base64.b64encode(credential.encode()).decode()
        text = _PAGE.format(credential=json.dumps(encoded), page=json.dumps(page).replace("<", "\\u003c"))
        safe = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}
        return HTMLResponse(text, headers=safe)


class Login:
    """ASGI middleware: asks for a name and password by HTTP's Basic authentication, except on one path.

    Args:
        app: the server.
        login: "name:password"; None or empty: everybody is let in.
        open_path: the path of the health page.
    """

    def __init__(self, app: ASGIApp, *, login: str | None, open_path: str) -> None:
        self._app = app
        self._wanted = f"Basic {base64.b64encode(login.encode()).decode()}".encode() if login else None
        self._open_path = open_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        known = self._wanted is None or scope["type"] == "lifespan" or scope["path"] == self._open_path
        if not known and self._wanted is not None:
            known = hmac.compare_digest(Headers(scope=scope).get("authorization", "").encode(), self._wanted)
        if known:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            challenge = {"WWW-Authenticate": 'Basic realm="Crystal Forge"'}
            await PlainTextResponse("A name and a password are needed.", 401, challenge)(scope, receive, send)


def _signature(credential: str, words: str) -> str:
    return hmac.new(credential.encode(), words.encode(), hashlib.sha256).hexdigest()
