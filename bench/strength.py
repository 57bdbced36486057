"""The matches of docs/strength.md: `python bench/strength.py --record DIR [--threads 2]`, then `--report`.

Plays them one after another, each to its last pair, and goes on where it was stopped. What is finished goes to
results/strength.json; `--report` prints that as the table of docs/strength.md and draws its plot.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from report import RESULTS, machine

from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.errors import InputError
from forge_core.players.registry import Means

START = 1_000_000
PAIRS = (
    ("pimc:worlds=50", "pimc:worlds=50,objective=points", 2000),
    ("pimc:worlds=10", "pimc:worlds=50", 2000),
    ("level1", "pimc:worlds=50", 2000),
    ("pimc:worlds=50", "pimc:worlds=200", 2000),
    ("pimc:worlds=50", "pimc:worlds=50,posterior=20", 2000),
    ("level1", "pimc:worlds=200", 2000),
    ("pimc:worlds=200", "pimc:worlds=1000", 500),
    ("cheat", "pimc:worlds=50", 2000),
    ("cheat", "level1", 1000),
    ("pimc:worlds=50", "highest", 2000),
    ("pimc:worlds=50,objective=points", "highest", 2000),
    ("level1", "highest", 1000),
)
TARGET = RESULTS / "strength.json"
PLOT = Path(__file__).parents[1] / "docs" / "images" / "strength.png"


def report(rows: list[dict[str, Any]]) -> None:
    """The finished matches as Markdown on stdout and as docs/images/strength.png."""
    print("| A | B | pairs | A makes | B makes | only A : only B | p | z | marks a contract | seconds a decision |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        a, b, (low, high) = row["a"], row["b"], row["marks_interval"]
        seconds = row["timing"]["seconds_a_decision"]
        print(
            f"| `{a['name']}` | `{b['name']}` | {row['pairs']:,} | {a['make_rate']:.1%} | {b['make_rate']:.1%} | "
            f"{a['only']} : {b['only']} | {row['p']:.2g} | {row['z']:+.2f} | "
            f"{row['marks']:+.3f} ({low:+.3f} to {high:+.3f}) | {seconds['a']:.2g}, {seconds['b']:.2g} |"
        )
    figure = Figure(figsize=(9, 1 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        low, high = row["marks_interval"]
        axes.plot([low, high], [place, place], color="tab:blue")
        axes.plot([row["marks"]], [place], "o", color="tab:blue")
    axes.set_yticks(range(len(rows)), [f"{row['a']['name']} against {row['b']['name']}" for row in reversed(rows)])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("marks a contract that the first wins of the second, 95 % interval over deals")
    figure.savefig(PLOT, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, help="where the contracts are kept")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="print the table and draw the plot of what is finished")
    asked = parser.parse_args()
    if asked.report:
        report([row for _, row in sorted(json.loads(TARGET.read_text())["matches"].items())])
        return
    if asked.record is None:
        parser.error("--record is needed to play")
    means = Means(asked.threads)
    for number, (a, b, pairs) in enumerate(PAIRS):
        start = time.monotonic()
        try:
            row = run_match(
                Deals(start=START, count=pairs), MatchSettings(a=a, b=b), means, record=asked.record / str(number)
            ).as_json()
        except InputError as error:
            print(error, flush=True)
            continue
        print(f"{time.monotonic() - start:.0f} s: {row['verdict']}", flush=True)
        found = json.loads(TARGET.read_text())["matches"] if TARGET.exists() else {}
        found[str(number)] = row
        record = {"matches": found, "start_seed": START, "machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        TARGET.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
