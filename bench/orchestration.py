"""What Prefect, MLflow and the store cost beside the work: `python bench/orchestration.py [--quick] [--json]`.

Runs the command `forge pipeline` (preset demo; with --quick a smaller one) in a home of its own.

first_seconds         the first run, with everything to make and the Prefect server to start
orchestration_share   its wall time that is not spent in making artifacts (server start and imports included)
retrain_seconds, _share   a third run with another training seed: training and what is behind it made again
cached_seconds        the second run: nothing to make
help_seconds          `forge --help`, the best of five
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from report import options, publish

FORGE = Path(sys.executable).with_name("forge")
QUICK = [
    "deals=[{start: 0, count: 20}, {start: 900, count: 3}, {start: 950, count: 3}]",
    "train.samples_per_epoch=20000",
]
CHANGED = "train.seed=1"


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
    """The seconds of the line "N artifacts were made in S s, ..."."""
    words = output.split()
    return float(words[words.index("in", words.index("made")) + 1]) if "made in" in output else 0.0


def measure(sets: tuple[str, ...]) -> dict[str, Any]:
    words = ["pipeline", "--preset", "demo", *(word for pair in sets for word in ("--set", pair))]
    with tempfile.TemporaryDirectory() as home:
        try:
            first, output = forge(*words, home=home)
            cached, _ = forge(*words, home=home)
            again, output_again = forge(*words, "--set", CHANGED, home=home)
        finally:
            forge("down", home=home)
        help_seconds = min(forge("--help", home=home)[0] for _ in range(5))
    return {
        "first_seconds": first,
        "orchestration_share": 1 - made_seconds(output) / first,
        "retrain_seconds": again,
        "retrain_share": 1 - made_seconds(output_again) / again,
        "cached_seconds": cached,
        "help_seconds": help_seconds,
    }


if __name__ == "__main__":
    chosen = options(__doc__)
    publish("orchestration", measure(QUICK if chosen.quick else ()), chosen)
