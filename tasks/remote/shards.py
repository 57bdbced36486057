"""Shards made on Modal, and brought here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forge_core.artifacts.collection import Receipt
from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.shards.generate import Outcome, ShardReceipt
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.remote import blocks
from tasks.remote.running import run
from tasks.remote.volume import Files

CODE = ("forge_core.shards.generate",)


def recipe(settings: ShardSettings) -> blocks.Recipe[DealRequest]:
    """How the shards of some settings are made; their collection holds all deals that were ever asked for."""
    return blocks.Recipe(
        key=make_key("generate", code=fingerprint(*CODE), settings={"shards": settings}),
        code=CODE,
        unit="deals",
        path=DealRequest.relative_path,
        work=_work,
        absent=lambda receipt: {path for path, deal in _deals(receipt) if deal[3] == Outcome.SKIPPED},
    )


def make_shards(requests: Sequence[DealRequest], settings: ShardSettings) -> Files:
    """See to it that the Volume has the shards of some deals."""
    return run(blocks.make(recipe(settings), requests))


def bring_shards(files: Files, requests: Sequence[DealRequest], folder: Path) -> list[ShardReceipt]:
    """The shards of some deals in a folder; a receipt each, in the order of the requests."""
    wanted = [request.relative_path() for request in requests]
    run(blocks.bring(files, [path.as_posix() for path in wanted], folder, what="shards"))
    found = dict(deal for receipt in files.receipts for deal in _deals(receipt))
    return [_receipt(path, *found[path.as_posix()]) for path in wanted]


def _work(requests: Sequence[DealRequest]) -> dict[str, Any]:
    return {"deals": [[request.seed, request.opponent_seed, request.declaration] for request in requests]}


def _deals(receipt: Receipt) -> list[tuple[str, list[Any]]]:
    """Of each deal of a block its path, and what the container said of it."""
    paths = [DealRequest(*request).relative_path().as_posix() for request in receipt.details["requests"]]
    return list(zip(paths, receipt.details["deals"], strict=True))


def _receipt(path: Path, rows: int, states: int, value: int, outcome: str) -> ShardReceipt:
    return ShardReceipt(path, rows, states, value, 0.0, Outcome(outcome))
