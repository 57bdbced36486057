"""What Prefect, MLflow and the store cost beside the work: `python bench/orchestration.py [--quick] [--json]`.

Runs the command `forge pipeline` (preset demo; with --quick a smaller one) in a home of its own.

first_seconds, first_share  the first run in an empty home, with everything to make and the Prefect server's database
                            too; the share of its wall time that is not spent in making artifacts
cached_seconds              the second run: nothing to make
retrain_seconds             a third run, with another training seed, on the running server
orchestration_share         the share of its wall time, imports included, that is not spent in making artifacts (means
                            little with --quick, where there is next to nothing to make)
help_seconds                `forge --help`, the best of five
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from report import options, publish

FORGE = Path(sys.executable).with_name("forge")
QUICK = (
    "deals=[{start: 0, count: 4}, {start: 900, count: 1}, {start: 950, count: 1}]",
    "shards.states_per_deal=500",
    "train.epochs=1",
    "train.samples_per_epoch=5000",
    "games.count=1",
)


def forge(*words: str, home: str) -> tuple[float, str]:
    """Wall seconds and stdout of a command."""
    start = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    answer = subprocess.run(
        [FORGE, *words], env={**environment, "FORGE_HOME": home}, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return time.perf_counter() - start, answer.stdout


def made_seconds(output: str) -> float:
    """The S of the line "N artifacts were made in S s, ..."; 0 when nothing was made."""
    found = re.search(r"made in (\d+) s", output)
    return float(found[1]) if found else 0.0


def measure(*, quick: bool) -> dict[str, Any]:
    words = ["pipeline", "--preset", "demo", *(word for pair in QUICK * quick for word in ("--set", pair))]
    with tempfile.TemporaryDirectory() as home:
        try:
            first, output = forge(*words, home=home)
            cached, _ = forge(*words, home=home)
            again, retrained = forge(*words, "--set", "train.seed=1", home=home)
        finally:
            forge("down", home=home)
        help_seconds = min(forge("--help", home=home)[0] for _ in range(5))
    return {
        "first_seconds": first,
        "first_share": 1 - made_seconds(output) / first,
        "retrain_seconds": again,
        "orchestration_share": 1 - made_seconds(retrained) / again,
        "cached_seconds": cached,
        "help_seconds": help_seconds,
    }


if __name__ == "__main__":
    chosen = options(__doc__)
    publish("orchestration", measure(quick=chosen.quick), chosen)
