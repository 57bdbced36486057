"""What Prefect, MLflow and the store cost beside the work: `python bench/orchestration.py [--quick] [--json]`.

Runs the command `forge` in a home of its own, where the first command starts the Prefect server.

first_seconds, first_share  `forge pipeline`, preset demo (with --quick a smaller one), in an empty home: everything is
                            made, the server's database too; the share of its wall time not spent in making artifacts
cached_seconds              the same again: nothing to make
pipeline_share              a third run, with another training seed, on the running server: the same share
orchestration_share         a backfill of 1,000 seeds (--quick: 30) on the running server: the share of its wall time
                            that the library alone would not need: what is left without importing the solver, solving
                            the deals and writing their shards
backfill_deals_per_second   the deals of that backfill by its wall time
present_seconds             a backfill of 100,000 seeds (--quick: 5,000) that are all there and were found sound by an
                            earlier one (20 states each): finding gaps looks at names, sizes and times of change
first_present_seconds       that earlier one, which reads every shard whole
help_seconds                `forge --help`, the best of five

With --quick the shares mean little: there is next to nothing to make.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from report import benchmark
from small_shards import SMALL, write_small_shards

FORGE = Path(sys.executable).with_name("forge")
QUICK = (
    "deals=[{start: 0, count: 4}, {start: 900, count: 1}, {start: 950, count: 1}]",
    "shards.states_per_deal=500",
    "train.epochs=1",
    "train.samples_per_epoch=5000",
    "games.count=1",
    "match_deals.count=2",
)
TIMED_FORGE = """
import atexit, time
start = time.perf_counter()
from forge_core.shards import generate
write_block, seconds = generate.write_block, time.perf_counter() - start
from flows.cli import main

def timed(*words, **options):
    global seconds
    start = time.perf_counter()
    try:
        return write_block(*words, **options)
    finally:
        seconds += time.perf_counter() - start

generate.write_block = timed
atexit.register(lambda: print(f"computing took {seconds:.3f} s"))
main()
"""
"""The command `forge`, which in the end says how long it took to import the solver and to make the shards."""


def run(command: list[str | Path], home: str) -> tuple[float, str]:
    """Wall seconds and stdout of a command."""
    start = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    answer = subprocess.run(
        command, env={**environment, "FORGE_HOME": home}, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return time.perf_counter() - start, answer.stdout


def seconds_in(output: str, pattern: str) -> float:
    """The number in what a command printed; 0 when it is not there."""
    found = re.search(pattern, output)
    return float(found[1]) if found else 0.0


def pipeline(home: str, *, quick: bool) -> dict[str, float]:
    words: list[str | Path] = [FORGE, "pipeline", "--preset", "demo"]
    words += [word for pair in QUICK * quick for word in ("--set", pair)]
    first, output = run(words, home)
    cached, _ = run(words, home)
    again, retrained = run([*words, "--set", "train.seed=1"], home)
    made = r"made in (\d+) s"
    return {
        "first_seconds": first,
        "first_share": 1 - seconds_in(output, made) / first,
        "pipeline_seconds": again,
        "pipeline_share": 1 - seconds_in(retrained, made) / again,
        "cached_seconds": cached,
    }


def backfill(home: str, seeds: int) -> dict[str, float]:
    words = ["backfill", "--end", str(seeds), "--output", f"{home}/shards"]
    wall, output = run([sys.executable, "-c", TIMED_FORGE, *words], home)
    return {
        "orchestration_share": 1 - seconds_in(output, r"computing took ([\d.]+) s") / wall,
        "backfill_deals_per_second": seeds / wall,
    }


def present(home: str, seeds: int) -> dict[str, float]:
    folder = Path(home, "present")
    write_small_shards(folder, seeds)
    states = SMALL.states_per_deal
    words = ["backfill", "--end", str(seeds), "--output", str(folder), "--set", f"states_per_deal={states}"]
    seconds = []
    for _ in range(2):
        wall, output = run([FORGE, *words], home)
        if f"{seeds:,}" not in output:
            raise SystemExit(f"the backfill found gaps where there are none:\n{output}")
        seconds.append(wall)
    return {"first_present_seconds": seconds[0], "present_seconds": seconds[1]}


def measure(*, quick: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        try:
            measures = pipeline(home, quick=quick)
            measures |= backfill(home, 30 if quick else 1000)
            measures |= present(home, 5_000 if quick else 100_000)
        finally:
            run([FORGE, "down"], home)
        return measures | {"help_seconds": min(run([FORGE, "--help"], home)[0] for _ in range(5))}


if __name__ == "__main__":
    benchmark("orchestration", measure, __doc__)
