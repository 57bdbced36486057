"""What is disturbed: small runs of every sort, and what an undisturbed one makes."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from forge_core.artifacts import upkeep
from forge_core.artifacts.folder import Folder
from forge_core.artifacts.listing import list_folder
from tests.chaos.ground import SiteHome, wait_until
from tests.home import FORGE, PATIENCE
from tests.outcomes import is_match, outcome

_DEALS = "deals=[{start: 0, count: 2}, {start: 900, count: 1}, {start: 950, count: 1}]"
_SMALL = (
    "shards.states_per_deal=200",
    "train.epochs=2",
    "train.samples_per_epoch=512",
    "games.count=1",
    "match_deals.count=2",
)


@dataclass(frozen=True, slots=True)
class Work:
    """A command that makes something in a home.

    output  the folder that it fills, if it does not use the store
    pooled  its blocks are runs of the site's worker
    """

    name: str
    words: tuple[str, ...]
    output: bool = False
    pooled: bool = False

    def command(self, home: SiteHome) -> list[str | Path]:
        where = ["--output", str(self.folder(home))] if self.output else []
        return [FORGE, *self.words, *where]

    def folder(self, home: SiteHome) -> Path:
        return home.folder / "output"


PIPELINE = Work(
    "pipeline",
    ("pipeline", *(word for text in (_DEALS, *_SMALL, "expected_q.n_worlds=2") for word in ("--set", text))),
)
GENERATE = Work("generate", ("generate", "--start-seed", "46", "--count", "8", "--states-per-deal", "100"))  # 2 blocks
GAMES = Work("eq generate", ("eq", "generate", "--start-seed", "18", "--count", "4", "--n-worlds", "2"))  # 2 blocks
FILL = Work("fill", ("generate", "--count", "8", "--states-per-deal", "100"), output=True)
BACKFILL = Work(
    "backfill",
    ("backfill", "--end", "6", "--block", "3", "--where", "cpu", "--at-once", "2", "--set", "states_per_deal=100"),
    output=True,
    pooled=True,
)
WORKS = (PIPELINE, GENERATE, GAMES, FILL, BACKFILL)


class Made(NamedTuple):
    """What a home holds: what each key led to, all objects but matches (those that were begun twice differ in the times
    that they took), and the digests of the files in the filled folder."""

    keys: dict[str, str]
    objects: frozenset[str]
    files: dict[str, str]


class Reference(NamedTuple):
    """What an undisturbed run made.

    begun    seconds until it wrote something; until then it was starting
    seconds  until it ended
    size     bytes of its home
    """

    made: Made
    begun: float
    seconds: float
    size: int


def undisturbed(work: Work, home: SiteHome) -> Reference:
    """Run the work and see what it makes."""
    start = time.monotonic()
    process = home.launch(work.command(home))
    wait_until(lambda: has_begun(work, home) or process.poll() is not None, "the first that it writes")
    begun = time.monotonic() - start
    if process.wait(PATIENCE):
        raise RuntimeError(home.log("run").read_text())
    seconds = time.monotonic() - start
    return Reference(made(work, home), begun, seconds, sum(file.stat().st_size for file in _files(home.folder)))


def has_begun(work: Work, home: SiteHome) -> bool:
    """Whether the work has written something."""
    return work.folder(home).exists() if work.output else (home.folder / "store").exists()


def made(work: Work, home: SiteHome) -> Made:
    """What a home holds now."""
    store = Folder(home.folder / "store")
    keys = {key.digest: outcome(store.root, key.entry) for key in store.key_files() if key.entry is not None}
    objects = frozenset(path.name for path in store.root.glob("objects/*/*") if path.is_dir() and not is_match(path))
    files = list_folder(work.folder(home)).files if work.output and work.folder(home).is_dir() else ()
    return Made(keys, objects, {file.path: file.sha256 for file in files})


def shortcomings(work: Work, home: SiteHome, reference: Reference) -> list[str]:
    """Everything in which a home that was disturbed and put right differs from an undisturbed one."""
    found, expected = made(work, home), reference.made
    words: list[str] = []
    for what, ours, theirs in (("key", found.keys, expected.keys), ("file", found.files, expected.files)):
        words += [f"{what} {name} is missing" for name in theirs.keys() - ours.keys()]
        words += [f"{what} {name} is too much" for name in ours.keys() - theirs.keys()]
        words += [f"{what} {name} differs" for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]]
    words += [f"object {digest} is missing or too much" for digest in found.objects ^ expected.objects]
    store = Folder(home.folder / "store")
    words += [
        f"{corruption.item.digest}: {corruption.words}"
        for corruption in upkeep.corruptions(store, upkeep.inventory(store))
        if corruption.item.keys or not is_match(store.object(corruption.item.digest))  # it was made again, and differs
    ]
    words += [f"{path} was left behind" for path in _left_behind(work, home, store)]
    return words


def _left_behind(work: Work, home: SiteHome, store: Folder) -> Sequence[Path]:
    """What neither the runs nor gc have tidied up."""
    upkeep.collect(store, upkeep.plan(store, days=1))
    hidden = [*store.root.glob("*/*/.*"), *work.folder(home).glob("*/.*")]
    return [*hidden, *store.root.glob("building/*"), *(home.folder / "training").glob("*")]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def told(home: SiteHome) -> str:
    """The last lines that the runs of a home wrote."""
    return json.dumps(home.log("run").read_text()[-1500:])
