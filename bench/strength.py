"""The matches of docs/strength.md: `python bench/strength.py --record DIR [--processes 2] [--matches 0 7]`.

Plays them a block of deals at a time and goes on where it was stopped; needs forge_core and this file, nothing else.
`--record DIR --report` writes what DIR holds to results/strength.json, prints it as the table of docs/strength.md and
draws its plot. `--list` names the matches.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from forge_core.arena.match import BLOCK
from forge_core.arena.record import read_all
from forge_core.arena.result import result_of
from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.players.registry import Means

START = 1_000_000
PAIRS = (
    ("pimc:worlds=50", "pimc:worlds=50,objective=points", 2000),
    ("pimc:worlds=10", "pimc:worlds=50", 2000),
    ("level1", "pimc:worlds=50", 2000),
    ("pimc:worlds=50", "pimc:worlds=200", 2000),
    ("pimc:worlds=50", "pimc:worlds=50,posterior=20", 2000),
    ("level1", "pimc:worlds=200", 2000),
    ("pimc:worlds=200", "pimc:worlds=1000", 2000),
    ("cheat", "pimc:worlds=50", 2000),
    ("cheat", "level1", 2000),
    ("pimc:worlds=50", "highest", 2000),
    ("pimc:worlds=50,objective=points", "highest", 2000),
    ("level1", "highest", 2000),
)
RESULTS = Path(__file__).parent / "results"
PLOT = Path(__file__).parents[1] / "docs" / "images" / "strength.png"


def play(number: int, seeds: range, folder: Path) -> tuple[int, float]:
    """Play some deals of a match into its record, if they are not there yet; the seconds that took."""
    start = time.monotonic()
    a, b, _ = PAIRS[number]
    run_match(Deals(start=seeds.start, count=len(seeds)), MatchSettings(a=a, b=b), Means(1), record=folder)
    return number, time.monotonic() - start


def play_all(numbers: list[int], record: Path, processes: int) -> None:
    """Play these matches one after another, their blocks shared among processes of one thread each."""
    todo = [(number, seeds) for number in numbers for seeds in Deals(start=START, count=PAIRS[number][2]).blocks(BLOCK)]
    left = {number: sum(n == number for n, _ in todo) for number in numbers}
    spent = dict.fromkeys(numbers, 0.0)
    for number in numbers:  # one block alone: it makes the folder, and the kernels where they are not cached
        play(number, next(seeds for n, seeds in todo if n == number), record / str(number))
    with ProcessPoolExecutor(
        processes, get_context("spawn")
    ) as pool:  # threads of the first block do not outlive a fork
        for done in as_completed([pool.submit(play, n, seeds, record / str(n)) for n, seeds in todo]):
            number, seconds = done.result()
            left[number] -= 1
            spent[number] += seconds
            if left[number] == 0:
                print(f"{number}: {PAIRS[number]} is played, {spent[number]:.0f} s of processes", flush=True)


def played(record: Path) -> Iterator[dict[str, Any]]:
    """The result of every match of which there is a record, and how many pairs were to be played."""
    for number, (a, b, pairs) in enumerate(PAIRS):
        blocks = [block for block in read_all(record / str(number)) if block.seeds.stop <= START + pairs]
        if blocks:
            yield {"number": number, "planned": pairs, **result_of(blocks, MatchSettings(a=a, b=b)).as_json()}


def report(record: Path) -> None:
    """The matches of a record as JSON, as Markdown on stdout and as docs/images/strength.png."""
    from matplotlib.figure import Figure
    from report import machine

    rows = list(played(record))
    found = {"matches": rows, "start_seed": START, "machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    (RESULTS / "strength.json").write_text(json.dumps(found, indent=2) + "\n")
    print("| A | B | pairs | A makes | B makes | only A : only B | p | z | marks a contract | seconds a decision |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        a, b, (low, high) = row["a"], row["b"], row["marks_interval"]
        seconds = row["timing"]["seconds_a_decision"]
        unfinished = "" if row["pairs"] == row["planned"] else f" of {row['planned']:,}: unfinished"
        print(
            f"| `{a['name']}` | `{b['name']}` | {row['pairs']:,}{unfinished} | "
            f"{a['make_rate']:.1%} | {b['make_rate']:.1%} | {a['only']} : {b['only']} | {row['p']:.2g} | "
            f"{row['z']:+.2f} | {row['marks']:+.3f} ({low:+.3f} to {high:+.3f}) | "
            f"{seconds['a']:.2g}, {seconds['b']:.2g} |"
        )
    whole = [row for row in rows if row["pairs"] == row["planned"]]
    figure = Figure(figsize=(10, 1.2 + 0.4 * len(whole)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(reversed(whole)):
        low, high = row["marks_interval"]
        axes.plot([low, high], [place, place], color="tab:blue")
        axes.plot([row["marks"]], [place], "o", color="tab:blue")
    axes.set_yticks(
        range(len(whole)),
        [f"{row['a']['name']} against {row['b']['name']}, {row['pairs']:,} pairs" for row in reversed(whole)],
    )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.grid(axis="x", alpha=0.3)
    figure.suptitle("Marks a contract that the first wins of the second, 95 % interval over deals", fontsize=11)
    figure.savefig(PLOT, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, help="where the contracts are kept, a folder a match")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--matches", type=int, nargs="+", choices=range(len(PAIRS)), default=list(range(len(PAIRS))))
    parser.add_argument("--list", action="store_true", help="the matches by number")
    parser.add_argument("--report", action="store_true", help="tell what the record holds; plays nothing")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(f"{number}: {a} against {b}, {pairs:,} pairs" for number, (a, b, pairs) in enumerate(PAIRS)))
    elif asked.record is None:
        parser.error("--record is needed")
    elif asked.report:
        report(asked.record)
    else:
        play_all(asked.matches, asked.record, asked.processes)


if __name__ == "__main__":
    main()
