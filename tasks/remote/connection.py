"""Reach Modal, or say within seconds why not: its client alone would try for a minute."""

import asyncio
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import modal
from modal.config import config

from forge_core.errors import RemoteError
from tasks.remote import image

_REACH = 4.0  # seconds for name, route and port
_PAUSES = (0.5, 1, 2, 4, 8, 15, 30)  # seconds between two questions while the connection fails
_HELLO = 20.0  # seconds for the server's first answer on a connection that stands; a busy machine takes a few


async def connect() -> modal.Client:
    """The client, once the server has answered it. Raises RemoteError: no token, no server, not welcome."""
    check_token()
    check_reachable()
    try:
        client = await modal.Client.from_env.aio()
        await asyncio.wait_for(client.hello.aio(), _HELLO)
    except modal.exception.AuthError as error:
        raise _refused(str(error)) from error
    except (modal.exception.Error, TimeoutError, OSError) as error:
        raise RemoteError.of(
            got=f"from Modal at {server_url()}: {_words(error)}",
            expected="an answer from its server",
            remedy="look at status.modal.com, then try again",
        ) from error
    return client


def check_token() -> None:
    """RemoteError when this machine has no token for Modal."""
    if not (config.get("token_id") and config.get("token_secret")):
        raise RemoteError.of(
            got="no Modal token",
            expected="MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, or a token in ~/.modal.toml",
            remedy="make one with `modal token new`",
        )


def check_reachable() -> None:
    """RemoteError when no connection to the server stands within five seconds. Looking a name up may hang: a thread
    of its own does it, which does not hold up the end of the process."""
    url = urlsplit(server_url())
    address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    outcome: list[str] = []

    def reach() -> None:
        try:
            socket.create_connection(address, timeout=_REACH).close()
            outcome.append("")
        except OSError as error:
            outcome.append(error.strerror or str(error))

    attempt = threading.Thread(target=reach, daemon=True)
    attempt.start()
    attempt.join(_REACH)
    if outcome != [""]:
        raise RemoteError.of(
            got=f"no connection to Modal at {server_url()} ({outcome[0] if outcome else 'no answer'})",
            expected="its server",
            remedy="check the network, and MODAL_SERVER_URL if it is set",
        )


def server_url() -> str:
    """The address of Modal's server, as its client has it."""
    return str(config["server_url"])


async def volume() -> modal.Volume:
    """Our Volume; made on first use."""
    for pause in _PAUSES:
        found = image.volume()
        try:
            await found.hydrate.aio()
        except (modal.exception.ConnectionError, modal.exception.ServiceError):
            await asyncio.sleep(pause)
        else:
            return found
    found = image.volume()
    await found.hydrate.aio()
    return found


def _refused(why: str) -> RemoteError:
    return RemoteError.of(
        got=f"a token that Modal does not take ({why.splitlines()[0] if why else 'no reason given'})",
        expected="a valid token",
        remedy="make a new one with `modal token new`",
    )


def _words(error: BaseException) -> str:
    with suppress(IndexError):
        return str(error).splitlines()[0]
    return type(error).__name__
