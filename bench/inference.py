"""How fast models answer on the CPU: `python bench/inference.py [--quick] [--json]`.

Positions per second at batch 1 and 1,024, by torch and by onnxruntime in each precision. Measured are the champion of
the catalog, where there is one, and the untrained presets (as fast as trained ones); with --quick the champion alone,
or else the smallest preset. Rates are wall-clock, with whatever else the machine was doing.

Then the ONNX files of the catalog as they are, in turn and on one thread, by processor seconds: the median of several
rounds, and of the champion's rate divided by each other's.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report import benchmark

from forge_core.learn.catalog import CHAMPION, ONNX, Catalog
from forge_core.learn.export import export_onnx
from forge_core.learn.export_report import ExportSettings, Precision
from forge_core.learn.model import Model, OnnxModel, config_of, load, write_model
from forge_core.learn.network import build_network
from forge_core.learn.settings import SIZES, TrainSettings
from forge_core.rules import deal_from_seed
from forge_core.solver.value_table import solve
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.encode import encode_states

BATCHES = (1, 1024)
WARM = 3  # calls that are not counted


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


def positions_per_second(
    model: Model, arrays: TokenArrays, batch: int, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> int:
    tokens, mask = arrays.tokens[:batch], arrays.mask[:batch]
    for _ in range(WARM):
        model(tokens, mask)
    calls, start = 0, clock()
    while (elapsed := clock() - start) < seconds:
        model(tokens, mask)
        calls += 1
    return round(calls * batch / elapsed)


def rates(name: str, folder: Path, arrays: TokenArrays, seconds: float) -> dict[str, object]:
    """A model by torch and as every file of its export that was accepted."""
    found: dict[str, object] = {}
    with TemporaryDirectory() as output:
        report = export_onnx(folder, Path(output), arrays, ExportSettings(samples=256))
        files = {each.value: Path(output) / each.file for each in Precision if report.files[each].refused is None}
        for runtime, path in {"torch": folder, **files}.items():
            model = load(path)
            for batch in BATCHES:
                rate = positions_per_second(model, arrays, batch, seconds)
                found[f"{name}_{runtime}_batch_{batch}_per_second"] = rate
        for precision, path in files.items():
            found[f"{name}_{precision}_bytes"] = path.stat().st_size
    return found


def models(folder: Path, *, quick: bool) -> Iterator[tuple[str, Path]]:
    """Names and folders of what is measured."""
    catalog = Catalog()
    champion = catalog.find(CHAMPION) if catalog.champions() else None
    if champion is not None:
        yield champion.name, champion
    presets = [*SIZES][:1] if quick else [*SIZES]
    for network, size in presets if champion is None or not quick else []:
        settings = TrainSettings(network=network, size=size)
        untrained = build_network(settings.architecture, settings.kind, 0)
        preset = folder / f"{network}_{size}"
        write_model(preset, untrained, config_of(untrained, settings, dataset_digest="", best_epoch=0))
        yield preset.name, preset


def catalog_rates(arrays: TokenArrays, rounds: int, seconds: float) -> dict[str, object]:
    """The ONNX files of the catalog, [round, model] by batch: medians, and those of the champion's share."""
    catalog, found = Catalog(), dict[str, object]()
    files = [path for name in catalog.names() if (path := catalog.root / name / ONNX).is_file()]
    champion = catalog.find(CHAMPION) if catalog.champions() else None
    sessions = [OnnxModel(path, threads=1) for path in files]
    for batch in BATCHES:
        measured = [
            [positions_per_second(model, arrays, batch, seconds, time.process_time) for model in sessions]
            for _ in range(rounds)
        ]
        for path, rate in zip(files, np.median(measured, 0), strict=True):
            found[f"{path.parent.name}_onnx_one_thread_batch_{batch}_per_processor_second"] = round(float(rate))
        for place, path in enumerate(files if champion is not None and champion / ONNX in files else []):
            if champion is not None and path.parent != champion:
                shares = [row[files.index(champion / ONNX)] / row[place] for row in measured]
                found[f"champion_of_{path.parent.name}_batch_{batch}"] = float(np.median(shares))
    return found


def measure(*, quick: bool) -> dict[str, object]:
    arrays = samples()
    seconds = 1 if quick else 5
    found: dict[str, object] = {}
    with TemporaryDirectory() as folder:
        for name, model in models(Path(folder), quick=quick):
            found |= rates(name, model, arrays, seconds)
    return found | catalog_rates(arrays, 5 if quick else 15, 0.1 if quick else 1)


if __name__ == "__main__":
    benchmark("inference", measure, __doc__)
