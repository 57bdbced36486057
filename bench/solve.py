"""The oracle's speed and size: `python bench/solve.py [--quick] [--json]`.

states_per_second      value table: median over seeds 0-99 (declaration = seed % 10) of a deal's game-tree states by its
                       own solving time, times the threads, while every core solves deals
solver_megabytes       most memory that solving one of these deals takes (tracemalloc: all of NumPy's arrays)
search_ms_mean, _max   all seven opening Q of one deal by search, seeds 0-199, one core
bytes_per_state_all    `all` shards: file size by game-tree states, median and largest over deals (seeds 0-7)
bytes_per_state_table  `table` shards likewise (seeds 0-39)
gpu_deals_per_second   value table with 10,000 sampled states and their Q a deal; null without a CUDA device
tokens_per_second      shards of 50,000 uniform states to training arrays on disk, all cores
"""

import os
import tempfile
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from report import options, publish

from forge_core.rules import deal_from_seed
from forge_core.shards import DealRequest, ShardSettings
from forge_core.shards.generate import write_block
from forge_core.shards.settings import Keep
from forge_core.solver.gpu import cuda_device, has_cuda, solve_batches
from forge_core.solver.search import search_q
from forge_core.solver.state import OPENING
from forge_core.solver.value_table import ValueTable, solve
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.settings import TokenSettings

CORES = os.cpu_count() or 1


def table_of(seed: int) -> tuple[ValueTable, float]:
    start = time.perf_counter()
    table = solve(deal_from_seed(seed), seed % 10)
    return table, time.perf_counter() - start


def table_speed(seeds: range) -> dict[str, float]:
    table_of(0)[0].sample(10, np.random.default_rng(0))
    start = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        runs = list(pool.map(lambda seed: (lambda t: (t[0].reachable_states, t[1]))(table_of(seed)), seeds))
    wall = time.perf_counter() - start
    rates = np.array([states / seconds for states, seconds in runs]) * CORES
    first = rates[:20] if len(rates) >= 20 else rates
    return {
        "states_per_second": float(np.median(rates)),
        "states_per_second_seeds_0_19": float(np.median(first)),
        "states_per_second_overall": float(sum(states for states, _ in runs) / wall),
        "deals_per_second": len(runs) / wall,
    }


def megabytes(seeds: range) -> dict[str, float]:
    peaks, kept = [], []
    for seed in seeds:
        tracemalloc.start()
        table, _ = table_of(seed)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        kept.append(table.nbytes)
    return {"solver_megabytes": max(peaks) / 1e6, "solver_megabytes_median": float(np.median(peaks)) / 1e6}


def search_speed(seeds: range) -> dict[str, float]:
    milliseconds = []
    for seed in seeds:
        dealt = np.array([deal_from_seed(seed).dominoes], dtype=np.uint8)
        declaration, state = np.array([seed % 10], dtype=np.uint8), np.array([OPENING])
        if not milliseconds:
            search_q(dealt, declaration, state, threads=1)
        start = time.perf_counter()
        search_q(dealt, declaration, state, threads=1)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return {"search_ms_mean": float(np.mean(milliseconds)), "search_ms_max": max(milliseconds)}


def bytes_per_state(keep: Keep, seeds: range, folder: Path) -> dict[str, float]:
    rates = []
    for seed in seeds:  # one at a time: `all` shards are large
        (receipt,) = write_block(requests(range(seed, seed + 1)), ShardSettings(keep=keep), folder / keep, threads=1)
        path = folder / keep / receipt.relative_path
        rates.append(path.stat().st_size / receipt.reachable_states)
        path.unlink()
    return {f"bytes_per_state_{keep}": float(np.median(rates)), f"bytes_per_state_{keep}_max": max(rates)}


def tokens_speed(seeds: range, folder: Path) -> float:
    write_block(requests(seeds), ShardSettings(), folder / "shards", threads=CORES)
    tokenize([folder / "shards"], folder / "warm", TokenSettings(samples_per_shard=10))
    start = time.perf_counter()
    manifest = tokenize([folder / "shards"], folder / "tokens", TokenSettings())
    return sum(manifest.samples.values()) / (time.perf_counter() - start)


def requests(seeds: range) -> list[DealRequest]:
    return [DealRequest(seed, None, seed % 10) for seed in seeds]


def gpu_speed(seeds: range) -> dict[str, Any]:
    if not has_cuda():
        return {"gpu_deals_per_second": None}
    device = cuda_device()
    deals, declarations = [deal_from_seed(seed) for seed in seeds], [seed % 10 for seed in seeds]
    for table in chain.from_iterable(solve_batches(device, deals[:2], declarations[:2])):
        table.q(table.sample(10_000, np.random.default_rng(0)))
    start = time.perf_counter()
    for table in chain.from_iterable(solve_batches(device, deals, declarations)):
        table.q(table.sample(10_000, np.random.default_rng(0)))
    return {"gpu_deals_per_second": len(deals) / (time.perf_counter() - start), "gpu": device.name}


def main() -> None:
    asked = options(__doc__)
    few = asked.quick
    measures: dict[str, Any] = {}
    measures |= table_speed(range(30 if few else 100))
    measures |= megabytes(range(10 if few else 100))
    measures |= search_speed(range(50 if few else 200))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measures |= bytes_per_state(Keep.ALL, range(2 if few else 8), folder)
        measures |= bytes_per_state(Keep.TABLE, range(5 if few else 40), folder)
        measures["tokens_per_second"] = tokens_speed(range(10 if few else 40), folder)
    measures |= gpu_speed(range(64 if few else 512))
    publish("solve", measures, asked)


if __name__ == "__main__":
    main()
