"""The artifact that the tests of stores build."""

from pathlib import Path

from forge_core.artifacts.key import make_key
from forge_core.artifacts.store import Built, Store

KEY = make_key("stage", code="c0de", settings={"epochs": 3}, inputs=["abc"])


def write_numbers(folder: Path) -> None:
    (folder / "train").mkdir()
    (folder / "train" / "numbers.txt").write_text("1 2 3")
    (folder / "summary.txt").write_text("6")


def build(store: Store) -> Built:
    return store.build(KEY, write_numbers, kind="numbers")
