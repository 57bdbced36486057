"""The store: addressing by content, damage, deletion, kills and two builders of one key."""

import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_numbers import KEY, build, write_numbers

from forge_core.artifacts.key import make_key
from forge_core.artifacts.reference import Reference
from forge_core.artifacts.store import Built, Store
from forge_core.errors import StoreError

SPAWN = multiprocessing.get_context("spawn")


def leftovers(store: Store) -> list[Path]:
    hidden = list(store.root.rglob(".*"))
    return hidden + list(store.root.glob("building/*"))


def test_second_build_of_a_key_is_a_hit_on_the_same_object(store: Store) -> None:
    first, second = build(store), build(store)
    assert not first.cached
    assert second == Built(first.reference, cached=True)
    assert (store.path(first.reference) / "train" / "numbers.txt").read_text() == "1 2 3"
    assert first.reference.size == 6
    assert first.reference.files == 2
    assert not leftovers(store)


def test_same_content_under_another_key_is_one_object(store: Store) -> None:
    other = make_key("stage", code="c0de", settings={"epochs": 4})
    assert store.build(other, write_numbers, kind="numbers").reference == build(store).reference
    assert len(list(store.root.glob("objects/*/*.json"))) == 1
    assert len(list(store.entries())) == 2


@pytest.mark.parametrize("change", [b"1 2 4", b"1 2", b"1 2 3 4"])
def test_damaged_file_is_noticed_and_replaced(
    folder_store: Store, change: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = folder_store
    reference = build(store).reference
    file = store.path(reference) / "train" / "numbers.txt"
    before = file.stat()
    file.chmod(0o644)
    file.write_bytes(change)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StoreError, match=r"train/numbers\.txt was changed"):
        store.verify(reference)
    assert build(store) == Built(reference, cached=False)
    assert "its file train/numbers.txt was changed; it is made again" in caplog.text
    store.verify(reference)


def test_deleted_file_deleted_object_and_foreign_file_are_noticed(
    folder_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store = folder_store
    reference = build(store).reference
    (store.path(reference) / "summary.txt").unlink()
    assert not build(store).cached
    assert "its file summary.txt was deleted" in caplog.text

    (store.path(reference) / "more.txt").write_text("7")
    assert not build(store).cached
    assert "the file more.txt does not belong to it" in caplog.text

    store.path(reference).with_suffix(".json").unlink()
    assert not build(store).cached
    assert "it was deleted" in caplog.text
    store.verify(reference)


def test_damaged_listing_and_key_file_are_made_again(folder_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store = folder_store
    reference = build(store).reference
    store.path(reference).with_suffix(".json").write_text('{"files": [')
    assert not build(store).cached
    assert "it cannot be read" in caplog.text
    next(store.root.glob("keys/*/*.json")).write_text("")
    assert not build(store).cached
    assert "The key " in caplog.text
    assert build(store).cached


def test_missing_object_is_an_error_that_says_what_to_do(store: Store) -> None:
    reference = Reference(kind="model", digest="0" * 64, size=1, files=1)
    with pytest.raises(StoreError, match=r"not in the store .* Run the flow that makes it again"):
        store.path(reference)


def test_failing_build_leaves_nothing_and_can_be_repeated(store: Store) -> None:
    def fail(folder: Path) -> None:
        write_numbers(folder)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        store.build(KEY, fail, kind="numbers")
    assert not leftovers(store)
    assert not list(store.entries())
    assert not build(store).cached


@pytest.mark.parametrize("harm", [lambda file: (file.chmod(0o644), file.write_text("1 2 4")), Path.unlink])
def test_nothing_is_kept_that_was_made_from_an_input_damaged_meanwhile(
    store: Store, harm: Callable[[Path], object]
) -> None:
    numbers = build(store).reference
    key = make_key("sum", code="c0de", settings={}, inputs=[numbers.digest])

    def harm_and_sum(folder: Path) -> None:
        file = store.path(numbers) / "train" / "numbers.txt"
        harm(file)
        (folder / "sum.txt").write_text("7")

    with pytest.raises(StoreError, match=r"train/numbers\.txt was \w+ while it was being read.*Run the same again"):
        store.build(key, harm_and_sum, kind="sums")
    assert store.find(key) is None
    assert not leftovers(store)
    assert build(store).reference == numbers


def test_full_disk_is_a_store_error(store: Store) -> None:
    def fill(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "numbers.txt"))

    with pytest.raises(StoreError, match=r"No space left on device.*Free some space"):
        store.build(KEY, fill, kind="numbers")
    assert not leftovers(store)


def _build_and_hang(root: Path) -> None:
    def hang(folder: Path) -> None:
        write_numbers(folder)
        (root / "started").touch()
        time.sleep(600)

    Store(root).build(KEY, hang, kind="numbers")


def test_killed_builder_leaves_no_object_and_no_lock(store: Store) -> None:
    store.root.mkdir()
    process = SPAWN.Process(target=_build_and_hang, args=(store.root,))
    process.start()
    while not (store.root / "started").exists():
        time.sleep(0.02)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert leftovers(store)
    assert store.find(KEY) is None
    assert not build(store).cached
    assert not leftovers(store)


def _build_slowly(root: Path, results: "multiprocessing.Queue[tuple[bool, str]]") -> None:
    def slow(folder: Path) -> None:
        with (root / "builds").open("a") as file:
            file.write("x")
        write_numbers(folder)
        time.sleep(0.5)

    built = Store(root).build(KEY, slow, kind="numbers")
    results.put((built.cached, built.reference.digest))


def test_two_processes_that_need_one_key_build_it_once(store: Store) -> None:
    store.root.mkdir()
    results = SPAWN.Queue()
    processes = [SPAWN.Process(target=_build_slowly, args=(store.root, results)) for _ in range(2)]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(cached for cached, _ in outcomes) == [False, True]
    assert len({digest for _, digest in outcomes}) == 1
    assert (store.root / "builds").read_text() == "x"


def test_checkout_replaces_its_files_and_leaves_the_others(store: Store, tmp_path: Path) -> None:
    reference = build(store).reference
    folder = tmp_path / "output"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "numbers.txt").write_text("old")
    (folder / "mine.txt").write_text("mine")
    for _ in range(2):
        store.checkout(reference, folder)
        found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
        assert len(found.pop("SHA256SUMS").splitlines()) == 2
        assert found == {"train/numbers.txt": "1 2 3", "summary.txt": "6", "mine.txt": "mine"}


def test_checkout_copies_where_links_are_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    reference = build(store).reference
    monkeypatch.setattr(os, "link", refuse)
    store.checkout(reference, tmp_path / "output")
    assert (tmp_path / "output" / "summary.txt").read_text() == "6"
    assert (tmp_path / "output" / "summary.txt").stat().st_nlink == 1
