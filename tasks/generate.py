"""Solve a block of deals and keep their shards."""

from collections.abc import Sequence
from pathlib import Path

from configs.installation import Installation
from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.blocks import cut
from tasks.console import progress
from tasks.stage import artifact, stage_task

BLOCK = 50
"""Deals in a task: a task should last half a minute or more, so that what Prefect needs for it does not count."""


def deal_blocks(deals: Sequence[SeedRange]) -> list[range]:
    """The seeds of the deals, block by block."""
    return list(cut(deals, BLOCK))


@stage_task(name="generate", task_run_name="generate {seeds.start}-{seeds.stop}")
def generate(seeds: range, settings: ShardSettings) -> Reference:
    """The shards of a block of seeds, declaration = seed % 10."""
    requests = [DealRequest(seed, None, seed % 10) for seed in seeds]

    def make(folder: Path) -> None:
        from forge_core.shards.generate import write_block

        threads = Installation().thread_count()
        with progress(f"solving deals {seeds.start}-{seeds.stop - 1}", len(requests)) as advance:
            write_block(requests, settings, folder, threads=threads, on_progress=lambda _: advance(1))

    deals = [[request.seed, request.opponent_seed, request.declaration] for request in requests]
    return artifact(
        "generate",
        make,
        kind="shards",
        code=["forge_core.shards.generate"],
        settings={"shards": settings, "deals": deals},
    )
