"""Write two small shards into a temporary folder, and load them in polars and in pandas."""

import tempfile
from pathlib import Path

import pandas as pd
import polars as pl

import forge_core
from forge_core.shards.generate import DealRequest, write_block
from forge_core.shards.settings import ShardSettings

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    receipts = write_block([DealRequest(seed, None, seed) for seed in (0, 1)], ShardSettings(), folder)
    frame = forge_core.open_shards(folder)
    print(frame.group_by("seed", "declaration").agg(pl.len(), pl.col("V").mean()).sort("seed"))
    one = pd.read_parquet(folder / receipts[0].relative_path)
    print(one.describe().loc[["mean", "min", "max"]])
