"""Solve a block of deals and keep their shards."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configs.installation import Installation
from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.blocks import cut
from tasks.console import progress
from tasks.devices import DeviceName, choose_device
from tasks.stage import artifact, stage_task

if TYPE_CHECKING:
    from forge_core.shards.generate import ShardReceipt

logger = logging.getLogger(__name__)

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
        solve(requests, settings, folder, f"solving deals {seeds.start}-{seeds.stop - 1}")

    deals = [[request.seed, request.opponent_seed, request.declaration] for request in requests]
    return artifact(
        "generate",
        make,
        kind="shards",
        code=["forge_core.shards.generate"],
        settings={"shards": settings, "deals": deals},
    )


@stage_task(name="fill", task_run_name="fill {folder.name} from seed {requests[0].seed}")
def fill(
    requests: Sequence[DealRequest], settings: ShardSettings, folder: Path, *, device: DeviceName = "auto"
) -> "list[ShardReceipt]":
    """Write the shards of some deals straight into a folder of the user's, beside other generators."""
    seeds = f"{requests[0].seed}-{requests[-1].seed}"
    receipts = solve(requests, settings, folder, f"solving deals {seeds}", device=device)
    logger.info("%-12s seeds %s: %d shards in %s", "fill", seeds, len(receipts), folder)
    return receipts


def solve(
    requests: Sequence[DealRequest], settings: ShardSettings, folder: Path, what: str, *, device: DeviceName = "auto"
) -> "list[ShardReceipt]":
    """Write the shards of some deals, with a progress bar."""
    from forge_core.shards.generate import write_block
    from forge_core.solver.value_table import is_compiled

    if not is_compiled():
        logger.info("%-12s compiling the solver, once on this machine: half a minute", "generate")
    with progress(what, len(requests), "{deals:.1f} deals/s  {states:,.0f} states/s") as advance:
        return write_block(
            requests,
            settings,
            folder,
            threads=Installation().thread_count(),
            device=choose_device(device),
            on_progress=lambda receipt: advance(1, deals=1, states=receipt.reachable_states),
        )
