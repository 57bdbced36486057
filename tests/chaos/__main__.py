"""Disturb runs at random moments, start them again, and see that they end as if nothing had happened.

    python -m tests.chaos --faults 200 --seed 1

Each fault gets a home of its own: a small run begins in it, the fault strikes at a random moment, what an operator
would mend is mended, the same run is started again. It has to end with exactly the artifacts that an undisturbed run
makes: same keys, same digests, none too much, every object sound, nothing left behind that gc would not tidy up. In the
end no run may be shown as running any more.
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.chaos.faults import FAULTS, Fault, Scene
from tests.chaos.ground import Site, kill, wait_until
from tests.chaos.work import WORKS, Reference, Work, has_begun, shortcomings, told, undisturbed
from tests.home import PATIENCE
from tests.postgres import Postgres

ZOMBIES = 420  # seconds after which no killed run may be shown as running: five minutes, and what the server needs


class Outcome(NamedTuple):
    """What came of a fault: which it was, what it struck, how long it all took, and what was not as it should be."""

    fault: str
    work: str
    seconds: float
    wrong: list[str]


def main() -> int:
    """0 when everything came right."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__, formatter_class=_Plain)
    parser.add_argument("--faults", type=int, default=200, help="how many (200)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no fault after that (no limit)")
    parser.add_argument("--seed", type=int, default=1, help="keys which faults, when and where (1)")
    parser.add_argument("--only", metavar="TEXT", help="only faults whose names have this in them")
    parser.add_argument("--work", metavar="NAME", action="append", help="only these works: pipeline, generate, ...")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="the server's (sqlite)")
    parser.add_argument("--no-zombies", action="store_true", help="do not wait for killed runs to be shown as Crashed")
    options = parser.parse_args()
    console = Console(stderr=True)
    works = [work for work in WORKS if not options.work or work.name in options.work]
    faults = [fault for fault in FAULTS if (options.only or "") in fault.name]
    skipped = {fault.name: words for fault in faults if (words := fault.skip())}
    plan = list(_plan([fault for fault in faults if fault.name not in skipped], works, options.faults, options.seed))
    start = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    folder = Path(tempfile.mkdtemp(prefix="forge-chaos-"))
    with (
        Postgres() if options.database == "postgresql" else nullcontext() as database,
        Site(folder, database) as site,
    ):
        if not options.no_zombies:
            site.prepare()
        references = _references(site, list(dict.fromkeys(work for _, work in plan)), console)
        turns = _told(plan, console, until=start + 60 * options.minutes)
        outcomes = [_try(site, number, plan[number], references, options.seed) for number in turns]
        running = [] if options.no_zombies else _zombies(site, console)
    report = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "command": " ".join(["python -m tests.chaos", *sys.argv[1:]]),
        "database": options.database,
        "faults": len(outcomes),
        "recovered": sum(not outcome.wrong for outcome in outcomes),
        "seconds": round(time.monotonic() - start),
        "shown as running in the end": running,
        "skipped": skipped,
        "by fault": _by_fault(outcomes),
        "wrong": [outcome._asdict() for outcome in outcomes if outcome.wrong],
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    _show(report)
    failed = bool(report["wrong"] or running)
    if failed:
        console.print(f"What is left of it lies in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


def _plan(faults: Sequence[Fault], works: Sequence[Work], count: int, seed: int) -> Iterator[tuple[Fault, Work]]:
    """Every fault in turn, each time on the next of the works that it can strike."""
    able = [(fault, [work for work in fault.works if work in works]) for fault in faults]
    able = [(fault, targets) for fault, targets in able if targets]
    order = random.Random(seed)
    turns = {fault.name: order.sample(targets, len(targets)) for fault, targets in able}
    for number in range(count):
        fault, targets = able[number % len(able)]
        yield fault, turns[fault.name][number // len(able) % len(targets)]


def _references(site: Site, works: Sequence[Work], console: Console) -> dict[str, Reference]:
    if any(work.pooled for work in works):
        site.deploy()
        site.start_worker()
    found = {}
    for work in works:
        found[work.name] = undisturbed(work, site.home(f"undisturbed-{work.name.replace(' ', '-')}"))
        console.print(f"{work.name}: {found[work.name].seconds:.1f} s undisturbed")
    return found


def _told(plan: Sequence[tuple[Fault, Work]], console: Console, *, until: float) -> Iterator[int]:
    start = time.monotonic()
    for number, (fault, work) in enumerate(plan):
        if time.monotonic() > until:
            return
        seconds = time.monotonic() - start
        console.print(f"{seconds:6.0f} s  {number + 1} of {len(plan)}: {fault.name}, {work.name}", highlight=False)
        yield number


def _try(site: Site, number: int, chosen: tuple[Fault, Work], references: dict[str, Reference], seed: int) -> Outcome:
    fault, work = chosen
    home = site.home(f"fault-{number}")
    rng = random.Random(f"{seed} {number}")
    scene = Scene(site, home, work, references[work.name], rng)
    start = time.monotonic()
    wrong: list[str] = []
    try:
        fault.prepare(scene)
        fault.begin(scene)
        _wait_for_the_moment(scene)
        fault.strike(scene)
        scene.end()
        fault.mend(scene)
        if code := home.launch(work.command(home)).wait(PATIENCE):
            wrong.append(f"the run that was started again ended with {code}: {told(home)}")
        wrong += shortcomings(work, home, scene.reference)
    except Exception:  # whatever goes wrong here is what this program is looking for
        wrong.append(traceback.format_exc())
    finally:
        for process in home.processes():
            kill(process.pid)
        if not wrong:
            fault.cleanup(scene)
            shutil.rmtree(home.folder, ignore_errors=True)
    for words in wrong:
        Console(stderr=True).print(words, markup=False, highlight=False)
    return Outcome(fault.name, work.name, time.monotonic() - start, wrong)


def _wait_for_the_moment(scene: Scene) -> None:
    """Until any moment of the work, and in one of eight times while it is still starting."""
    begun, seconds = scene.reference.begun, scene.reference.seconds
    if scene.rng.random() < 1 / 8:
        scene.wait(scene.rng.uniform(0, begun))
        return
    wait_until(lambda: has_begun(scene.work, scene.home) or scene.has_ended(), "the beginning of the work")
    scene.wait(scene.rng.uniform(0, seconds - begun))


def _zombies(site: Site, console: Console) -> list[str]:
    """The runs that are shown as running though nothing runs any more, once their heartbeats were missed."""
    console.print("Waiting for killed runs to be shown as Crashed ...")
    try:
        wait_until(lambda: not site.unfinished(), "the end of every run", ZOMBIES)
    except TimeoutError:
        return site.unfinished()
    return []


def _by_fault(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    names = dict.fromkeys(outcome.fault for outcome in outcomes)
    groups = {name: [outcome for outcome in outcomes if outcome.fault == name] for name in names}
    return [
        {
            "fault": name,
            "times": len(group),
            "recovered": sum(not outcome.wrong for outcome in group),
            "seconds each": round(sum(outcome.seconds for outcome in group) / len(group), 1),
        }
        for name, group in groups.items()
    ]


def _show(report: dict[str, object]) -> None:
    table = Table(title=f"{report['recovered']} of {report['faults']} recovered", title_justify="left")
    rows: list[dict[str, object]] = report["by fault"]  # pyright: ignore[reportAssignmentType]
    for name in ("fault", "times", "recovered", "seconds each"):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row.values()))
    for name, words in report["skipped"].items():  # pyright: ignore[reportAttributeAccessIssue]
        table.add_row(name, "skipped", words, "")
    console = Console()
    console.print(table)
    running = report["shown as running in the end"]
    console.print(f"Shown as running in the end: {', '.join(running) if running else 'none'}")  # pyright: ignore


class _Plain(argparse.RawDescriptionHelpFormatter):
    pass


if __name__ == "__main__":
    sys.exit(main())
