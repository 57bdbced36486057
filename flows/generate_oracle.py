"""Solve deals and keep their shards."""

from prefect import flow

from configs.pipeline import SeedRange
from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.shards.settings import ShardSettings
from tasks.elsewhere import work_on
from tasks.generate import deal_blocks, generate_all
from tasks.report import report_shards


@flow(name="generate-oracle")
def generate_oracle(
    deals: forms.Settings[tuple[SeedRange, ...]], shards: forms.Settings[ShardSettings], on: forms.On = None
) -> list[Reference]:
    """Solve the deals of all seeds, block by block; one object of shards a block.

    deals    the seeds; declaration = seed % 10
    shards   what is kept of a solved deal
    on       where they are solved; none = here
    """
    with work_on(on):
        objects = generate_all(deal_blocks(deals), shards)
    report_shards(objects)
    return objects
