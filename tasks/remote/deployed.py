"""What was deployed: which code the App on Modal has, and whether it is this checkout's."""

from dataclasses import dataclass

import modal

from configs.modal import APP, MACHINES
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.errors import RemoteError
from tasks.oracles import EXACT_CODE, MODEL_CODE
from tasks.remote import connection

_CODE = (
    "forge_core.shards.generate",
    "forge_core.learn.train",
    "forge_core.learn.evaluation_plots",
    "forge_core.learn.export",
    *EXACT_CODE,
    *MODEL_CODE,
)
_TAG = "code"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What there is on Modal.

    app      whether our App is deployed
    code     the fingerprint that it was deployed with; None when `forge modal deploy` did not deploy it
    missing  the Functions that it lacks
    volume   whether our Volume is there
    """

    app: bool
    code: str | None
    missing: list[str]
    volume: bool


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


async def examine() -> Deployed:
    """What there is; nothing is started for it."""
    missing = [machine.function for machine in MACHINES.values() if not await _is_there(machine.function)]
    try:
        await connection.volume()
        volume = True
    except RemoteError:
        volume = False
    try:
        tags = await (await _app()).get_tags.aio()
    except RemoteError:
        return Deployed(app=False, code=None, missing=missing, volume=volume)
    return Deployed(app=True, code=tags.get(_TAG), missing=missing, volume=volume)


async def _is_there(name: str) -> bool:
    try:
        await connection.function(name)
    except RemoteError:
        return False
    return True


async def _app() -> modal.App:
    try:
        return await modal.App.lookup.aio(APP)
    except modal.exception.NotFoundError as error:
        raise connection.not_deployed(f"no App {APP!r}") from error
