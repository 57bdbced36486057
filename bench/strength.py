"""The matches of docs/strength.md: `python bench/strength.py --record DIR [--threads 2]`.

Plays them one after another, each to its last pair, and goes on where it was stopped. What is finished goes to
results/strength.json.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from report import RESULTS, machine

from forge_core.arena.match import BLOCK, play_block
from forge_core.arena.record import open_record, read_block, write_block
from forge_core.arena.result import result_of
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.errors import InputError
from forge_core.players.registry import Means, make_player
from forge_core.solver import SOLVER_VERSION

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


def play(settings: MatchSettings, pairs: int, folder: Path, threads: int) -> dict[str, Any]:
    """One match, as the row of the record."""
    means = Means(threads)
    a, b = make_player(settings.a, means), make_player(settings.b, means)
    open_record(folder, settings, {"solver": SOLVER_VERSION})
    blocks = []
    for seeds in Deals(start=START, count=pairs).blocks(BLOCK):
        block = read_block(folder, seeds)
        if block is None:
            block = play_block(seeds, settings, a, b)
            write_block(folder, block)
        blocks.append(block)
    return result_of(blocks, settings).as_json()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, required=True, help="where the contracts are kept")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    for number, (a, b, pairs) in enumerate(PAIRS):
        start = time.monotonic()
        try:
            row = play(MatchSettings(a=a, b=b), pairs, asked.record / str(number), asked.threads)
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
