"""Listing, checking and tidying a store, in a folder and in a bucket."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stored_numbers import KEY, build, write_numbers

from forge_core.artifacts import upkeep
from forge_core.artifacts.folder import Folder
from forge_core.artifacts.key import Key, make_key
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Store

SPAWN = multiprocessing.get_context("spawn")
Ageing = Callable[[str, float], None]


def make(store: Store, name: str, *inputs: Reference) -> tuple[Key, Reference]:
    """An object of its own kind and content."""
    key = make_key(name, code="c0de", settings={}, inputs=[each.digest for each in inputs])
    return key, store.build(key, lambda folder: write(folder / "text", name), kind=name).reference


def write(path: Path, text: str) -> None:
    path.write_text(text)


def gone(store: Store, **options: Any) -> set[str]:
    """The kinds of the objects that gc removes; it has to free what it said it would."""
    plan = upkeep.plan(store.backend, **{"days": 30, **options})
    before = {item.digest for item in upkeep.inventory(store.backend)}
    assert upkeep.collect(store.backend, plan) == plan.size
    assert {item.digest for item in upkeep.inventory(store.backend)} == before - {item.digest for item in plan.unneeded}
    return {item.kind for item in plan.unneeded}


def test_inventory_says_what_there_is_and_what_refers_to_it(store: Store) -> None:
    reference = build(store).reference
    other = make_key("copy", code="c0de", settings={})
    store.build(other, write_numbers, kind="numbers")
    (item,) = upkeep.inventory(store.backend)
    assert (item.digest, item.kind, item.size, item.files) == (reference.digest, "numbers", 6, 2)
    assert item.stages == ("copy", "stage")
    assert set(item.keys) == {KEY.digest, other.digest}
    assert time.time() - 60 < item.used <= time.time() + 1


def test_faults_are_found(store: Store, storage: Any, prefix: str) -> None:
    reference, (_, sound) = build(store).reference, make(store, "sound")
    read: list[int] = []
    assert not list(upkeep.corruptions(store.backend, upkeep.inventory(store.backend), on_bytes=read.append))
    assert sorted(read) == [1, 5, 5]
    name = f"objects/{reference.digest[:2]}/{reference.digest}/train/numbers.txt"
    if store.bucket:
        storage.put(f"{prefix}/{name}", b"1 2")
    else:
        (store.root / name).chmod(0o644)
        (store.root / name).write_text("1 2")
    (corruption,) = upkeep.corruptions(store.backend, upkeep.inventory(store.backend))
    assert corruption.item.digest == reference.digest != sound.digest
    assert corruption.words == "its file train/numbers.txt was changed"


def test_gc_removes_what_was_of_no_use_for_long(store: Store, age: Ageing) -> None:
    for name in ("old", "hit", "opened", "new"):
        make(store, name)
    age("objects", 40)
    age("keys", 40)
    make(store, "hit")
    make(store, "new and equal")
    if not store.bucket:
        store.path(make_reference(store, "opened"))
    assert gone(store) == {"old", "new"} | ({"opened"} if store.bucket else set())
    assert not gone(store)
    assert not list(upkeep.dangling_keys(store.backend))


def make_reference(store: Store, kind: str) -> Reference:
    return next(entry.reference for entry in store.entries() if entry.reference.kind == kind)


def test_gc_keeps_what_is_pinned_and_what_that_was_made_from(store: Store, age: Ageing) -> None:
    _, shards = make(store, "shards")
    _, tokens = make(store, "tokens", shards)
    _, model = make(store, "model", tokens)
    make(store, "evaluation", model, tokens)
    age("objects", 40)
    age("keys", 40)
    assert gone(store, pins=[model.digest]) == {"shards", "evaluation"}
    assert gone(store) == {"tokens", "model"}


def test_gc_keeps_what_a_folder_shares(folder_store: Store, tmp_path: Path) -> None:
    store = folder_store
    _, reference = make(store, "shared")
    store.checkout(reference, tmp_path / "output")
    for path in store.root.rglob("*.json"):
        os.utime(path, (0, 0))
    assert not gone(store)
    (tmp_path / "output" / "text").unlink()
    assert gone(store) == {"shared"}


def test_files_of_an_output_folder_are_replaced_not_changed(folder_store: Store, tmp_path: Path) -> None:
    _, reference = make(folder_store, "shared")
    folder_store.checkout(reference, tmp_path / "output")
    file = tmp_path / "output" / "text"
    assert file.stat().st_mode & 0o222 == 0
    file.unlink()
    file.write_text("mine")
    folder_store.verify(reference)


def test_what_becomes_of_use_after_the_plan_is_kept(store: Store, age: Ageing) -> None:
    make(store, "old")
    age("objects", 40)
    age("keys", 40)
    plan = upkeep.plan(store.backend, days=30)
    assert [item.kind for item in plan.unneeded] == ["old"]
    make(store, "old")
    assert upkeep.collect(store.backend, plan) == 0
    assert [item.kind for item in upkeep.inventory(store.backend)] == ["old"]


def test_keys_that_lead_to_nothing_are_removed(store: Store, age: Ageing, storage: Any, prefix: str) -> None:
    _, reference = make(store, "deleted")
    make(store, "unreadable")
    listing = f"objects/{reference.digest[:2]}/{reference.digest}.json"
    unreadable = next(key for key in store.backend.key_files() if key.entry and key.entry.key.stage == "unreadable")
    key = f"keys/{unreadable.digest[:2]}/{unreadable.digest}.json"
    if store.bucket:
        storage.delete(f"{prefix}/{listing}")
        storage.put(f"{prefix}/{key}", b"{")
    else:
        (store.root / listing).unlink()
        (store.root / key).write_text("{")
    age("objects", 40)
    age("keys", 40)
    assert len(list(upkeep.dangling_keys(store.backend))) == 2
    assert gone(store) == {"?"}
    assert not list(store.backend.key_files())


def _use_and_wait(root: Path, path: Path) -> None:
    store = Store(root)
    make(store, "used first")
    path.touch()
    time.sleep(600)


def test_what_a_running_process_used_stays_as_long_as_it_runs(folder_store: Store, tmp_path: Path) -> None:
    make(folder_store, "unused")
    for path in folder_store.root.rglob("*.json"):
        os.utime(path, (0, 0))
    process = SPAWN.Process(target=_use_and_wait, args=(folder_store.root, tmp_path / "used"))
    process.start()
    while not (tmp_path / "used").exists():
        time.sleep(0.02)
    assert gone(folder_store, days=0) == {"unused"}
    assert [item.kind for item in upkeep.inventory(folder_store.backend)] == ["used first"]
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert "a process that ended" in {each.what for each in folder_store.backend.orphans()}


def _build_and_hang(root: Path, path: Path) -> None:
    def hang(folder: Path) -> None:
        write_numbers(folder)
        path.touch()
        time.sleep(600)

    Store(root).build(KEY, hang, kind="numbers")


def test_a_running_build_is_left_alone_and_a_killed_one_is_cleared(folder_store: Store, tmp_path: Path) -> None:
    process = SPAWN.Process(target=_build_and_hang, args=(folder_store.root, tmp_path / "started"))
    process.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.02)
    assert not [each for each in folder_store.backend.orphans() if "build" in each.what]
    assert not gone(folder_store, days=0)
    assert (folder_store.root / "building" / KEY.digest / "summary.txt").exists()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()

    found = {each.what: each.size for each in folder_store.backend.orphans()}
    assert found == {"a build that was killed": 6, "the lock of a build that was killed": 0, "a process that ended": 0}
    gone(folder_store)
    assert not list(folder_store.backend.orphans())
    assert not list(folder_store.root.glob("building/*"))
    assert not build(folder_store).cached


def test_writes_that_were_killed_are_cleared(folder_store: Store) -> None:
    key, reference = make(folder_store, "finished")
    half = folder_store.folder.object("ab" + "0" * 62)
    half.mkdir(parents=True)
    (half / "text").write_text("half")
    temporary = folder_store.root / "keys" / key.digest[:2] / f".{key.digest}.json.0123"
    temporary.write_text("{")
    for path in (half, temporary):
        os.utime(path, (0, 0))
    assert {each.size for each in folder_store.backend.orphans() if "write" in each.what} == {4, 1}
    gone(folder_store)
    assert not half.exists()
    assert not temporary.exists()
    folder_store.verify(reference)


def test_killed_uploads_are_cleared(bucket_store: Store, storage: Any, prefix: str) -> None:
    _, reference = make(bucket_store, "finished")
    digest = "ab" + "0" * 62
    for name in ("text", "train/numbers.txt"):
        storage.put(f"{prefix}/objects/ab/{digest}/{name}", b"half")
    assert not list(bucket_store.backend.orphans())
    storage.age(f"{prefix}/objects", 2)
    (orphan,) = bucket_store.backend.orphans()
    assert (orphan.what, orphan.size) == ("an upload that was killed", 8)
    gone(bucket_store)
    assert not [name for name in storage.files(prefix) if digest in name]
    bucket_store.verify(reference)


def test_an_empty_store_is_in_order(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "store")
    assert not upkeep.inventory(folder)
    assert upkeep.plan(folder, days=0).size == 0
    assert not folder.root.exists()
