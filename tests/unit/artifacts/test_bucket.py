"""A store in a bucket, over real HTTP: the same bytes as in a folder, two machines, and everything that can fail."""

import multiprocessing
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stored_numbers import KEY, build, write_numbers

from forge_core.artifacts.bucket import Bucket
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Built, Store
from forge_core.errors import StoreError

SPAWN = multiprocessing.get_context("spawn")
NUMBERS = "train/numbers.txt"


@pytest.fixture
def machine(tmp_path: Path, storage: Any, prefix: str) -> Callable[[str], Store]:
    """A function that sets up a machine of a name, with an empty folder, on one bucket."""
    return lambda name: Store(tmp_path / name, Bucket(storage.address(prefix)))


def object_file(reference: Reference, name: str) -> str:
    return f"objects/{reference.digest[:2]}/{reference.digest}/{name}"


def no_build(_: Path) -> None:
    raise AssertionError("it is in the bucket: nothing is to be built")


def test_bucket_and_folder_hold_the_same_files(bucket_store: Store, storage: Any, prefix: str, tmp_path: Path) -> None:
    folder = Store(tmp_path / "folder")
    assert build(folder) == build(bucket_store)
    here = {str(path.relative_to(folder.root)): path for path in folder.root.rglob("*") if path.is_file()}
    ours = {name: path.read_bytes() for name, path in sorted(here.items()) if name.startswith(("objects", "keys"))}
    assert storage.files(prefix) == ours
    assert len(ours) == 4


def test_another_machine_finds_what_was_built(machine: Callable[[str], Store]) -> None:
    made = build(machine("first"))
    second = machine("second")
    assert second.build(KEY, no_build, kind="numbers") == Built(made.reference, cached=True)
    assert (second.path(made.reference) / NUMBERS).read_text() == "1 2 3"
    assert [entry.key for entry in second.entries()] == [KEY]


def test_a_reference_alone_is_enough(machine: Callable[[str], Store]) -> None:
    reference = build(machine("first")).reference
    assert (machine("second").path(reference) / NUMBERS).read_text() == "1 2 3"
    with pytest.raises(StoreError, match=r"not in the store s3://forge/store-"):
        machine("second").path(reference.model_copy(update={"digest": "0" * 64}))


def test_what_the_bucket_lost_comes_back_from_the_machine(
    machine: Callable[[str], Store], storage: Any, prefix: str
) -> None:
    store = machine("first")
    reference = build(store).reference
    before = storage.files(prefix)
    for name in before:
        storage.delete(f"{prefix}/{name}")
        assert store.find(KEY) == reference
        assert storage.files(prefix) == before


@pytest.mark.parametrize("content", [b"1 2", b"1 2 4"])
def test_a_damaged_object_is_dropped_and_made_again(
    machine: Callable[[str], Store], storage: Any, prefix: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reference = build(machine("first")).reference
    sound = storage.files(prefix)
    storage.put(f"{prefix}/{object_file(reference, NUMBERS)}", content)
    second = machine("second")
    with pytest.raises(StoreError, match=r"train/numbers\.txt was changed"):
        second.verify(reference)
    assert build(second) == Built(reference, cached=False)
    assert f"{NUMBERS} was changed; it is made again" in caplog.text
    assert storage.files(prefix) == sound
    second.verify(reference)


@pytest.mark.parametrize("name", ["../../../../stolen", "..", "/tmp/stolen", "a/../../stolen", "a\\b"])
def test_names_that_lead_out_of_an_object_are_not_followed(
    machine: Callable[[str], Store],
    storage: Any,
    prefix: str,
    name: str,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    reference = build(machine("first")).reference
    sound, before = set(storage.files(prefix)), set(tmp_path.rglob("*"))
    storage.put(f"{prefix}/{object_file(reference, name)}", b"not ours")
    second = machine("second")
    assert build(second).reference == reference
    assert "it is made again" in caplog.text
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(second.root)} == before
    assert not Path("/tmp/stolen").exists()
    assert (second.path(reference) / NUMBERS).read_text() == "1 2 3"
    assert {path.name for path in second.path(reference).rglob("*")} == {"train", "numbers.txt", "summary.txt"}
    assert set(storage.files(prefix)) == sound


def test_a_listing_or_key_that_cannot_be_read_is_written_again(
    machine: Callable[[str], Store], storage: Any, prefix: str
) -> None:
    reference = build(machine("first")).reference
    sound = storage.files(prefix)
    for number, name in enumerate(name for name in sound if name.endswith(".json")):
        storage.put(f"{prefix}/{name}", b'{"')
        storage.age(name, 2)
        assert build(machine(f"machine {number}")).reference == reference
        assert storage.files(prefix) == sound


def test_a_hit_notes_its_use_once_a_day(bucket_store: Store, storage: Any, prefix: str) -> None:
    build(bucket_store)
    (key,) = bucket_store.backend.key_files()
    bucket_store.find(KEY)
    assert next(bucket_store.backend.key_files()).used == key.used
    storage.age(f"{prefix}/keys", 3)
    assert next(bucket_store.backend.key_files()).used < key.used - 86400
    bucket_store.find(KEY)
    assert next(bucket_store.backend.key_files()).used >= key.used


def _build_in(root: Path, address: str, start: Any, results: Any) -> None:
    store = Store(root, Bucket(address))
    start.wait()
    results.put(build(store))


def test_two_machines_that_build_at_once_end_with_one_sound_object(
    storage: Any, prefix: str, tmp_path: Path, machine: Callable[[str], Store]
) -> None:
    start, results = SPAWN.Barrier(2), SPAWN.Queue()
    arguments = [(tmp_path / name, storage.address(prefix), start, results) for name in ("first", "second")]
    processes = [SPAWN.Process(target=_build_in, args=each) for each in arguments]
    for process in processes:
        process.start()
    references = {results.get(timeout=60).reference for _ in processes}
    for process in processes:
        process.join()
    assert len(references) == 1
    assert len(storage.files(prefix)) == 4
    third = machine("third")
    third.verify(*references)
    assert third.build(KEY, no_build, kind="numbers").cached


def _build_large(root: Path, address: str) -> None:
    def make(folder: Path) -> None:
        for number in range(200):
            (folder / f"{number}.bin").write_bytes(os.urandom(1000))

    Store(root, Bucket(address)).build(KEY, make, kind="numbers")


def test_a_killed_upload_leaves_no_object_and_is_gone_on_with(
    storage: Any, prefix: str, tmp_path: Path, machine: Callable[[str], Store]
) -> None:
    process = SPAWN.Process(target=_build_large, args=(tmp_path / "first", storage.address(prefix)))
    process.start()
    while len(storage.files(prefix)) < 20:
        time.sleep(0.002)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert not [name for name in storage.files(prefix) if name.endswith(".json")]
    assert machine("second").find(KEY) is None

    first = machine("first")
    found = first.find(KEY)  # it was built, only its upload was cut short
    assert found is not None
    machine("second").verify(found)
    assert machine("second").build(KEY, no_build, kind="numbers") == Built(found, cached=True)


def test_no_answer_is_told_and_what_was_made_is_kept(storage: Any, prefix: str, tmp_path: Path) -> None:
    with Tunnel(storage) as tunnel:
        store = Store(tmp_path / "store", Bucket(tunnel.address(prefix)))

        def make_and_cut(folder: Path) -> None:
            write_numbers(folder)
            tunnel.close()

        with pytest.raises(StoreError, match=r"from the bucket s3://.*Check the address"):
            store.build(KEY, make_and_cut, kind="numbers")
    assert not storage.files(prefix)
    again = Store(tmp_path / "store", Bucket(storage.address(prefix)))
    assert again.build(KEY, no_build, kind="numbers").cached
    assert len(storage.files(prefix)) == 4


def test_addresses_that_lead_nowhere_are_told_at_once(storage: Any) -> None:
    with pytest.raises(StoreError, match="there is no such bucket"):
        Bucket(storage.address("store", bucket="other"))
    with pytest.raises(StoreError, match="s3://forge"):
        Bucket("s3://forge/x?endpoint_override=127.0.0.1:9&scheme=http")
    with pytest.raises(StoreError, match="nonsense"):
        Bucket("s3://forge/x?nonsense=1")


@pytest.fixture
def denied(storage: Any) -> Iterator[None]:
    """From here on the server asks who is asking."""
    _ask(storage, "reset-auth", "0")
    yield
    _ask(storage, "reset-auth", "inf")


def _ask(storage: Any, path: str, text: str) -> None:
    url = f"http://{storage.host}:{storage.port}/moto-api/{path}"
    request = urllib.request.Request(url, text.encode(), {"Content-Type": "text/plain"})
    urllib.request.urlopen(request, timeout=10).close()


def test_refused_access_is_told(bucket_store: Store, request: pytest.FixtureRequest) -> None:
    build(bucket_store)
    request.getfixturevalue("denied")
    with pytest.raises(StoreError, match=r"AWS Error .*the credentials"):
        bucket_store.find(KEY)
    with pytest.raises(StoreError, match="from the bucket"):
        list(bucket_store.backend.objects())


class Tunnel:
    """Another address of the storage, which can be closed."""

    def __init__(self, storage: Any) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self.storage = storage
        self.server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> "Tunnel":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.server.server_close()

    def address(self, prefix: str) -> str:
        return f"s3://forge/{prefix}?scheme=http&endpoint_override=127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.socket.close()
            self.thread.join()
