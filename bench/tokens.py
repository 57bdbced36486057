"""Shards and tokens: `python bench/tokens.py [--quick] [--json]`.

tokens_per_second       shards of 50,000 uniform states to training arrays on disk, two threads; median of the runs
encoded_per_second      states to tokens in memory, one thread, a deal's states together
bytes_per_sample        size of these shards by the samples in them
gap_seconds             finding the gaps among 100,000 shards that are all there (--quick: 5,000, scaled up)
first_gap_seconds       the same when nobody has read these shards yet: each, of 20 states here, is read whole
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from report import options, publish
from small_shards import write_small_shards

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


def gap_seconds(folder: Path, shards: int) -> tuple[float, float]:
    """Seconds for the first look at a folder without gaps, and for the second."""
    write_small_shards(folder, shards)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        gaps = Shards().missing(folder, deal_requests(range(shards), DealMode.STANDARD))
        seconds.append(time.perf_counter() - start)
        if gaps:
            raise RuntimeError(f"{len(gaps)} gaps in a folder without any")
    return seconds[0], seconds[1]


def main() -> None:
    asked = options(__doc__)
    deals, shards = (8, 5_000) if asked.quick else (40, 100_000)
    requests = list(deal_requests(range(deals), DealMode.STANDARD))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        receipts = write_block(requests, ShardSettings(), folder / "shards")
        paths = [folder / "shards" / receipt.relative_path for receipt in receipts]
        first, again = (each * 100_000 / shards for each in gap_seconds(folder / "gaps", shards))
        measures = {
            "tokens_per_second": tokens_per_second(folder / "shards", folder, 3 if asked.quick else 5),
            "encoded_per_second": encoded_per_second(paths[0]),
            "bytes_per_sample": sum(path.stat().st_size for path in paths) / sum(receipt.rows for receipt in receipts),
            "gap_seconds": again,
            "first_gap_seconds": first,
        }
    publish("tokens", measures, asked, deals=deals, shards=shards)


if __name__ == "__main__":
    main()
