"""Solve a block of deals and keep their shards."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.installation import Installation
from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.files import writing
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.blocks import cut
from tasks.console import progress
from tasks.devices import DeviceName, choose_device
from tasks.elsewhere import elsewhere
from tasks.limits import one_gpu
from tasks.stage import artifact, key_of, stage_task, store

if TYPE_CHECKING:
    from forge_core.shards.generate import ShardReceipt
    from tasks.remote.volume import Files

logger = logging.getLogger(__name__)

BLOCK = 50
"""Deals in a task: a task should last half a minute or more, so that what Prefect needs for it does not count."""


FILL_BLOCK = 100
"""Deals that a folder is filled with at a time: Ctrl-C finishes them first, so it must not be minutes."""

BLOCK_ELSEWHERE = 10_000
"""Deals that a folder is filled with at a time when they are solved on Modal, where many machines share them."""


def gpu_of(device: DeviceName) -> AbstractContextManager[None]:
    """The GPU for this run alone, if deals are solved on one here."""
    return nullcontext() if elsewhere() or choose_device(device) is None else one_gpu()


def fill_size() -> int:
    """Deals that a folder is filled with at a time."""
    return BLOCK_ELSEWHERE if elsewhere() else FILL_BLOCK


def deal_blocks(deals: Sequence[SeedRange]) -> list[range]:
    """The seeds of the deals, block by block."""
    return list(cut(deals, BLOCK))


def generate_all(blocks: Sequence[range], settings: ShardSettings) -> list[Reference]:
    """The shards of several blocks of seeds, declaration = seed % 10; on Modal, all that is missing at a time."""
    files = generate_on_modal(blocks, settings) if elsewhere() else None
    return [generate(seeds, settings, files) for seeds in blocks]


@stage_task(name="generate", task_run_name="generate {seeds.start}-{seeds.stop}")
def generate(seeds: range, settings: ShardSettings, files: "Files | None" = None) -> Reference:
    """The shards of a block of seeds, declaration = seed % 10; from Modal's Volume, when `files` are what it has."""

    def make(folder: Path) -> None:
        if files is None:
            solve(_requests(seeds), settings, folder, f"solving deals {seeds.start}-{seeds.stop - 1}")
        else:
            from tasks.remote.shards import bring_shards

            bring_shards(files, _requests(seeds), folder)

    return artifact("generate", make, kind="shards", **_recipe(seeds, settings))


@stage_task(name="generate on Modal")
def generate_on_modal(blocks: Sequence[range], settings: ShardSettings) -> "Files | None":
    """See to it that Modal's Volume has the shards of the blocks that the store lacks; None when it lacks none."""
    from tasks.remote.shards import make_shards

    lacking = [seeds for seeds in blocks if store().find(key_of("generate", **_recipe(seeds, settings))) is None]
    requests = [request for seeds in lacking for request in _requests(seeds)]
    return make_shards(requests, settings) if requests else None


def _requests(seeds: range) -> list[DealRequest]:
    return [DealRequest(seed, None, seed % 10) for seed in seeds]


def _recipe(seeds: range, settings: ShardSettings) -> dict[str, Any]:
    deals = [[request.seed, request.opponent_seed, request.declaration] for request in _requests(seeds)]
    return {"code": ["forge_core.shards.generate"], "settings": {"shards": settings, "deals": deals}}


@stage_task(name="fill", task_run_name="fill {folder.name} from seed {requests[0].seed}")
def fill(
    requests: Sequence[DealRequest], settings: ShardSettings, folder: Path, *, device: DeviceName = "auto"
) -> "list[ShardReceipt]":
    """Write the shards of some deals straight into a folder of the user's, beside other generators."""
    seeds = f"{requests[0].seed}-{requests[-1].seed}"
    if elsewhere():
        from tasks.remote.shards import bring_shards, make_shards

        receipts = bring_shards(make_shards(requests, settings), requests, folder)
    else:
        with writing(folder):
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
    bar = progress(what, len(requests), "{deals:.1f} deals/s  {states:,.0f} states/s")
    with gpu_of(device), bar as advance:
        return write_block(
            requests,
            settings,
            folder,
            threads=Installation().thread_count(),
            device=choose_device(device),
            on_progress=lambda receipt: advance(1, deals=1, states=receipt.reachable_states),
        )
