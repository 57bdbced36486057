"""How fast worlds are drawn and E[Q] games are played: `python bench/expected_q.py [--quick] [--json]`.

Writes bench/results/expected_q.json unless it is quick. Rates are wall-clock, with whatever else the machine was doing.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from forge_core.expected_q.advise import advise
from forge_core.expected_q.games import play_games
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle, Oracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings, PosteriorSettings
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import deal_from_seed
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_q

RESULT = Path(__file__).parent / "results" / "expected_q.json"
EXACT = ExactOracle(search_q, SOLVER_VERSION)
PLAIN = EqSettings(n_worlds=50)
POSTERIOR = EqSettings(n_worlds=50, posterior=PosteriorSettings(enabled=True, window=4))


def opening(seed: int) -> InformationSet:
    return InformationSet.of(Record.of(seed % 10, 0, ()), 0, deal_from_seed(seed).hands[0])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def worlds_per_second(n: int) -> float:
    """On one core: the kernel has no threads."""
    worlds, rng = Worlds.of(opening(0)), np.random.default_rng(0)
    worlds.draw(1000, rng)
    return n / float(np.median([seconds(lambda: worlds.draw(n, rng)) for _ in range(5)]))


def games_per_second(oracle: Oracle, settings: EqSettings, n: int, *, lockstep: int = 16) -> float:
    list(play_games([10_000], oracle, settings))  # compiled, and the oracle warm
    return n / seconds(lambda: list(play_games(range(n), oracle, settings, lockstep=lockstep)))


def advise_seconds(n: int) -> float:
    """Median over opening leads, 200 worlds each."""
    settings = EqSettings(n_worlds=200)
    return float(np.median([seconds(lambda seed=seed: advise(opening(seed), EXACT, settings)) for seed in range(n)]))


def model_games_per_second(n: int) -> tuple[float, str] | tuple[None, None]:
    """With an untrained network of the large preset on the GPU; its speed is that of a trained one."""
    import torch

    if not torch.cuda.is_available():
        return None, None
    from forge_core.learn.build import build_network
    from forge_core.learn.inference import TorchModel
    from forge_core.learn.settings import SIZES
    from tasks.oracles import ModelOracle

    network = build_network(SIZES["transformer", "large"], "qvalue", 0).to("cuda", torch.bfloat16).eval()
    oracle = ModelOracle(TorchModel(network), "untrained")
    return games_per_second(oracle, EqSettings(n_worlds=50, enumerate_up_to=50), n, lockstep=256), (
        torch.cuda.get_device_name()
    )


def measure(*, quick: bool) -> dict[str, object]:
    n = 4 if quick else 40
    model, device = model_games_per_second(256 if quick else 2048)
    return {
        "worlds_per_second": round(worlds_per_second(300_000 if quick else 3_000_000)),
        "exact_games_per_second": round(games_per_second(EXACT, PLAIN, n), 3),
        "posterior_games_per_second": round(games_per_second(EXACT, POSTERIOR, n), 3),
        "advise_seconds": round(advise_seconds(3 if quick else 20), 3),
        "model_games_per_second": None if model is None else round(model, 1),
        "device": device,
        "games": n,
        "settings": {"exact": PLAIN.model_dump(mode="json"), "posterior": POSTERIOR.model_dump(mode="json")},
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
    table = "\n".join(f"{name:28} {value}" for name, value in result.items() if name != "settings")
    sys.stdout.write((text if arguments.json else table) + "\n")


if __name__ == "__main__":
    main()
