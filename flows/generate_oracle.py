"""Solve deals and keep their shards."""

from pathlib import Path

from prefect import flow

from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.shards.settings import ShardSettings
from tasks.checkout import checkout
from tasks.generate import deal_blocks, generate
from tasks.report import report_shards


@flow(name="generate-oracle")
def generate_oracle(deals: tuple[SeedRange, ...], shards: ShardSettings, output: Path | None = None) -> list[Reference]:
    """Solve the deals of all seeds, block by block; one object of shards a block.

    deals    the seeds; declaration = seed % 10
    shards   what is kept of a solved deal
    output   a folder that gets the shards as {train,val,test}/*.parquet, besides the store
    """
    objects = [generate(seeds, shards) for seeds in deal_blocks(deals)]
    if output is not None:
        checkout(objects, output)
    report_shards(objects)
    return objects
