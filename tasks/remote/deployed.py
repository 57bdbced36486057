"""What was deployed: which code the App on Modal has, and whether it is this checkout's."""

import modal

from configs.modal import APP
from forge_core.artifacts.fingerprint import fingerprint
from tasks.oracles import EXACT_CODE, MODEL_CODE
from tasks.remote import connection

_CODE = tuple(dict.fromkeys(("forge_core.shards.generate", "forge_core.learn.train", *EXACT_CODE, *MODEL_CODE)))
_TAG = "code"


def code_here() -> str:
    """The fingerprint of all that the App computes with, 32 digits of it, in this checkout."""
    return fingerprint(*_CODE)[:32]


async def check() -> None:
    """RemoteError when Modal cannot be reached or has no token for us."""
    await connection.connect()


async def sign() -> None:
    """Write on the App which code it was deployed with."""
    app = await _app()
    await app.set_tags.aio({**await app.get_tags.aio(), _TAG: code_here()})


async def code_there() -> str | None:
    """The fingerprint that the App was deployed with; None when `forge modal deploy` did not deploy it.

    Raises RemoteError when there is no App.
    """
    return (await (await _app()).get_tags.aio()).get(_TAG)


async def _app() -> modal.App:
    try:
        return await modal.App.lookup.aio(APP)
    except modal.exception.NotFoundError as error:
        raise connection.not_deployed(f"no App {APP!r}") from error
