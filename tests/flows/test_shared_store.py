"""Flows on a store in a bucket: another machine finds what this one made, with the same digests as in a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings

Stages = Callable[[], list[str]]
DEALS = tuple(SeedRange(start=start, count=1) for start in (0, 900, 950))


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket("shared", "us-east-1")
    yield f"s3://shared/store?scheme=http&endpoint_override={host}:{port}"
    server.stop()


def make() -> list[Reference]:
    from flows.stages import generate, tokenize

    shards = generate(DEALS, ShardSettings(states_per_deal=50))
    return [*shards, tokenize([*shards], TokenSettings())]


def test_machines_share_what_they_make(
    address: str, stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = make()
    assert stages() == ["generate made"] * 3 + ["tokenize made"]

    monkeypatch.setenv("FORGE_STORE", address)  # what was made before is put there as it is found
    assert make() == ours
    assert stages() == ["generate cached"] * 3 + ["tokenize cached"]

    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "another machine"))
    assert make() == ours
    assert stages() == ["generate cached"] * 3 + ["tokenize cached"]
