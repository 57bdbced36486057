"""What all benchmarks share: their options, what they print, and the record they leave in bench/results."""

import argparse
import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def options(description: str | None, *, record: bool = False) -> argparse.Namespace:
    """--quick (fewer repetitions, under 50 s, no record) and --json (measures on stdout, nothing else); --record."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; leaves no record")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    if record:
        parser.add_argument("--record", type=Path, help="keep what takes long here, and go on with it another time")
    return parser.parse_args()


def publish(name: str, measures: dict[str, Any], asked: argparse.Namespace, **details: Any) -> None:
    """Print the measures by name; unless quick, write them to results/<name>.json with machine, date and details."""
    if asked.json:
        print(json.dumps(measures))
    else:
        table = Table("measure", "value", title=name)
        for measure, value in measures.items():
            table.add_row(measure, f"{value:,.4g}" if isinstance(value, float) else str(value))
        Console().print(table)
    if not asked.quick:
        record = {"measures": measures, "machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}", **details}
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


def benchmark(name: str, measure: Callable[..., dict[str, Any]], description: str | None) -> None:
    """What a script does of which `measure(quick=...)` gives all measures, and which has no other options."""
    asked = options(description)
    publish(name, measure(quick=asked.quick), asked)


def machine() -> dict[str, Any]:
    """Processor, cores and Python: figures mean nothing without them."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
