"""Stores in a folder, and in a bucket behind a real HTTP server."""

import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from forge_core.artifacts.bucket import Bucket
from forge_core.artifacts.store import Store

BUCKET = "forge"


class Storage:
    """An S3-compatible server with one bucket, and a look into it from behind."""

    def __init__(self) -> None:
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.host, self.port = self.server.get_host_and_port()
        self.backend.create_bucket(BUCKET, "us-east-1")

    @property
    def backend(self) -> Any:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def address(self, prefix: str, bucket: str = BUCKET) -> str:
        return f"s3://{bucket}/{prefix}?scheme=http&endpoint_override={self.host}:{self.port}"

    def files(self, prefix: str) -> dict[str, bytes]:
        """The files under a prefix, by their names less the prefix; not the folders that clients make up."""
        found = self.backend.buckets[BUCKET].keys
        names = [name for name in found if name.startswith(prefix + "/") and not name.endswith("/")]
        return {name.removeprefix(prefix + "/"): found[name].value for name in sorted(names)}

    def put(self, name: str, content: bytes) -> None:
        self.backend.put_object(BUCKET, name, content)

    def delete(self, name: str) -> None:
        self.backend.delete_object(BUCKET, name)

    def age(self, part: str, days: float) -> None:
        for name, key in self.backend.buckets[BUCKET].keys.items():
            if part in name:
                key.last_modified = datetime.fromtimestamp(time.time() - days * 86400, UTC).replace(tzinfo=None)


@pytest.fixture(scope="session")
def storage() -> Iterator[Storage]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        storage = Storage()
        yield storage
        storage.server.stop()


@pytest.fixture
def prefix() -> str:
    return f"store-{uuid.uuid4().hex}"


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def bucket_store(tmp_path: Path, storage: Storage, prefix: str) -> Store:
    return Store(tmp_path / "store", Bucket(storage.address(prefix)))


@pytest.fixture(params=["folder_store", "bucket_store"])
def store(request: pytest.FixtureRequest) -> Store:
    return request.getfixturevalue(request.param)


class Ageing:
    """Lets time pass over parts of a store: what is named by a part of its path, some days."""

    def __init__(self, store: Store, storage: Storage | None) -> None:
        self.store, self.storage = store, storage

    def __call__(self, part: str, days: float) -> None:
        if self.storage is not None:
            self.storage.age(part, days)
        for path in self.store.root.rglob("*"):
            if part in str(path.relative_to(self.store.root)):
                then = time.time() - days * 86400
                os.utime(path, (then, then))


@pytest.fixture
def age(store: Store, request: pytest.FixtureRequest) -> Ageing:
    return Ageing(store, request.getfixturevalue("storage") if store.bucket else None)
