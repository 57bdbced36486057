"""Shards and tokens: `python bench/tokens.py [--quick] [--json]`.

tokens_per_second       shards of 50,000 uniform states to training arrays on disk, two threads; median of the runs
encoded_per_second      states to tokens in memory, one thread, a deal's states together
bytes_per_sample        size of these shards by the samples in them
gap_seconds             finding the gaps among 100,000 shards that are all there (--quick: 20,000, scaled up)
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from report import options, publish

from forge_core.shards.dataset import Shards
from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.generate import write_block
from forge_core.shards.read import read_shard
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.dataset import tokenize
from forge_core.tokens.encode import deal_features, encode_rows
from forge_core.tokens.settings import TokenSettings


def tokens_per_second(shards: Path, folder: Path, runs: int) -> float:
    tokenize([shards], folder / "warm", TokenSettings(samples_per_shard=10))
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        manifest = tokenize([shards], folder / "tokens", TokenSettings())
        rates.append(sum(manifest.samples.values()) / (time.perf_counter() - start))
        shutil.rmtree(folder / "tokens")  # or writing back several gigabytes would slow down the next run
    return float(np.median(rates))


def encoded_per_second(shard: Path) -> float:
    whole = read_shard(shard)
    deal = deal_features(np.array([whole.metadata.dominoes]), np.array([whole.metadata.declaration]))
    states = whole.frame["state"].to_numpy()
    rows = np.zeros(len(states), np.int64)
    rates = []
    for _ in range(9):
        start = time.perf_counter()
        encode_rows(deal, rows, states)
        rates.append(len(states) / (time.perf_counter() - start))
    return float(np.median(rates))


def gap_seconds(folder: Path, shards: int) -> float:
    requests = list(deal_requests(range(shards), DealMode.STANDARD))
    for request in requests:
        path = folder / request.relative_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    start = time.perf_counter()
    gaps = Shards().missing(folder, deal_requests(range(shards), DealMode.STANDARD))
    seconds = time.perf_counter() - start
    if gaps:
        raise RuntimeError(f"{len(gaps)} gaps in a folder without any")
    return seconds


def main() -> None:
    asked = options(__doc__)
    deals, shards = (8, 20_000) if asked.quick else (40, 100_000)
    requests = list(deal_requests(range(deals), DealMode.STANDARD))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        receipts = write_block(requests, ShardSettings(), folder / "shards")
        paths = [folder / "shards" / receipt.relative_path for receipt in receipts]
        measures = {
            "tokens_per_second": tokens_per_second(folder / "shards", folder, 3 if asked.quick else 5),
            "encoded_per_second": encoded_per_second(paths[0]),
            "bytes_per_sample": sum(path.stat().st_size for path in paths) / sum(receipt.rows for receipt in receipts),
            "gap_seconds": gap_seconds(folder / "gaps", shards) * 100_000 / shards,
        }
    publish("tokens", measures, asked, deals=deals, shards=shards)


if __name__ == "__main__":
    main()
