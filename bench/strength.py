"""The matches of docs/strength.md: `python bench/strength.py --record DIR [--threads 2]`.

Plays them one after another, each to its last pair, and goes on where it was stopped. What is finished goes to
results/strength.json.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, required=True, help="where the contracts are kept")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
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
