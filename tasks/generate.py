"""The stage `generate`: solve deals and keep their shards."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.devices import choose_device
from tasks.stage import Context, Details, Machine, Stage

logger = logging.getLogger(__name__)


class GenerateSettings(BaseModel):
    """Which deals are solved, and what is kept of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shards: ShardSettings = Field(default_factory=ShardSettings, description="What is kept of a solved deal.")
    deals: tuple[tuple[int, int | None, int], ...] = Field(description="Seed, opponent seed, declaration of each.")


def run(context: Context, folder: Path, settings: GenerateSettings, _inputs: Sequence[Path]) -> Details:
    """Write {train,val,test}/*.parquet; a sound shard that is there is kept.

    Returns:
        "deals": of each deal its rows, its reachable states, its opening value and what was done about it.
    """
    from forge_core.shards.generate import write_block
    from forge_core.solver.value_table import is_compiled

    if not is_compiled():
        logger.info("%-12s compiling the solver, once on this machine: half a minute", "generate")
    requests = [DealRequest(*deal) for deal in settings.deals]
    device = choose_device(context.device)
    what = f"solving deals {requests[0].seed}-{requests[-1].seed}"
    bar = context.progress(what, len(requests), "{deals:.1f} deals/s  {states:,.0f} states/s")
    with nullcontext() if device is None else context.hold_gpu(), bar as advance:
        receipts = write_block(
            requests,
            settings.shards,
            folder,
            threads=context.threads,
            device=device,
            on_progress=lambda receipt: advance(1, deals=1, states=receipt.reachable_states),
        )
    return {"deals": [[each.rows, each.reachable_states, each.opening_value, each.outcome] for each in receipts]}


STAGE = Stage(
    name="generate",
    settings=GenerateSettings,
    kind="shards",
    run=run,
    machine=Machine(cores=4, memory=4),
    items="deals",
)
