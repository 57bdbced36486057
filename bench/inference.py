"""How fast exported models answer in onnxruntime on the CPU: `python bench/inference.py [--quick] [--json]`.

Positions per second of the untrained presets (as fast as trained ones) at batch 1 and 1,024. Writes
bench/results/inference.json unless it is quick. Rates are wall-clock, with whatever else the machine was doing.
"""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from forge_core.learn.build import build_network
from forge_core.learn.export import export_onnx
from forge_core.learn.inference import Model, load
from forge_core.learn.model_folder import config_of, write_model
from forge_core.learn.settings import NetworkName, SizeName, TrainSettings
from forge_core.rules import deal_from_seed
from forge_core.solver.value_table import solve
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.encode import encode_states

RESULT = Path(__file__).parent / "results" / "inference.json"
BATCHES = (1, 1024)


def samples(n: int = 2048) -> TokenArrays:
    """States of one deal; what they are worth does not matter here."""
    deal = deal_from_seed(2)
    states = solve(deal, 2).sample(n, np.random.default_rng(0))
    deals = np.broadcast_to(np.array(deal.dominoes, np.uint8), (n, 28))
    tokens, mask, legal = encode_states(deals, np.full(n, 2, np.uint8), states)
    unknown = np.zeros(n, np.int8)
    return TokenArrays(
        tokens=tokens,
        mask=mask,
        legal=legal,
        q=np.zeros((n, 7), np.int8),
        v=unknown,
        best=legal,
        plays_left=unknown,
        declaration=unknown,
        seed=np.zeros(n, np.int64),
    )


def positions_per_second(model: Model, arrays: TokenArrays, batch: int, seconds: float) -> int:
    tokens, mask = arrays.tokens[:batch], arrays.mask[:batch]
    for _ in range(3):
        model(tokens, mask)
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        model(tokens, mask)
        calls += 1
    return round(calls * batch / elapsed)


def rates(network: NetworkName, size: SizeName, arrays: TokenArrays, seconds: float) -> dict[str, object]:
    settings = TrainSettings(network=network, size=size)
    untrained = build_network(settings.architecture, settings.kind, 0)
    with TemporaryDirectory() as folder:
        config = config_of(untrained, settings, dataset_digest="", best_epoch=0)
        write_model(Path(folder), untrained, config)
        report = export_onnx(Path(folder), Path(folder) / "model.onnx", arrays)
        model = load(report.path)
        by_batch = {f"batch_{batch}": positions_per_second(model, arrays, batch, seconds) for batch in BATCHES}
    return {"parameters": config.parameters, "positions_per_second": by_batch}


def measure(*, quick: bool) -> dict[str, object]:
    arrays = samples()
    networks: list[NetworkName] = ["mlp", "transformer"]
    sizes: list[SizeName] = ["tiny"] if quick else ["tiny", "small", "large"]
    return {
        **{network: {size: rates(network, size, arrays, 1 if quick else 5) for size in sizes} for network in networks},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 seconds, nothing written")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    result = measure(quick=arguments.quick)
    text = json.dumps(result, indent=1)
    if not arguments.quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(text + "\n")
    table = "\n".join(f"{name:12} {value}" for name, value in result.items())
    sys.stdout.write((text if arguments.json else table) + "\n")


if __name__ == "__main__":
    main()
