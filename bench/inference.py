"""How fast exported models answer in onnxruntime on the CPU: `python bench/inference.py [--quick] [--json]`.

Positions per second of the untrained presets (as fast as trained ones) at batch 1 and 1,024. Rates are wall-clock, with
whatever else the machine was doing.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report import options, publish

from forge_core.learn.build import build_network
from forge_core.learn.export import export_onnx
from forge_core.learn.inference import Model, load
from forge_core.learn.model_folder import config_of, write_model
from forge_core.learn.settings import NetworkName, SizeName, TrainSettings
from forge_core.rules import deal_from_seed
from forge_core.solver.value_table import solve
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.encode import encode_states

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
        return {
            f"{network}_{size}_batch_{batch}_per_second": positions_per_second(model, arrays, batch, seconds)
            for batch in BATCHES
        }


def measure(*, quick: bool) -> dict[str, object]:
    arrays = samples()
    networks: list[NetworkName] = ["mlp", "transformer"]
    sizes: list[SizeName] = ["tiny"] if quick else ["tiny", "small", "large"]
    seconds = 1 if quick else 5
    return {k: v for network in networks for size in sizes for k, v in rates(network, size, arrays, seconds).items()}


def main() -> None:
    asked = options(__doc__)
    publish("inference", measure(quick=asked.quick), asked)


if __name__ == "__main__":
    main()
