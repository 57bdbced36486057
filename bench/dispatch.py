"""What dispatching to Modal costs, and what the work costs there: `python bench/dispatch.py [--quick] [--json]`.

The local control plane of the tests takes the calls, so network and Modal's own scheduling are not in the figures.

overhead_ms_a_block     wall time of a run of 1,000 blocks that do nothing (100 with --quick), by blocks
blocks_a_second         the same the other way round
dispatch_10000_seconds  a run of 10,000 blocks that do nothing; null with --quick
core_seconds_a_deal     processor time of one thread to solve a deal, sample 50,000 of its states and write the shard
dollars_10000_deals     what 10,000 such deals cost on Modal without a GPU, by the published prices; hours likewise
dollars_1000000_deals   a million of them
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from report import options, publish

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "modal"))
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def nothing(number: int) -> int:
    """What a block of the measurement does."""
    return number


def dispatching(*, quick: bool) -> dict[str, Any]:
    """Blocks that do nothing, in an ephemeral App with 16 containers, once these have started."""
    import modal
    from control_plane import ControlPlane

    app = modal.App("dispatch")
    image = modal.Image.debian_slim()
    function = app.function(image=image, serialized=True, max_containers=16)(nothing)

    async def seconds(blocks: int) -> float:
        start = time.perf_counter()
        answers = [answer async for answer in function.map.aio(range(blocks), order_outputs=False)]
        assert len(answers) == blocks
        return time.perf_counter() - start

    async def measure() -> tuple[float, float | None]:
        async with app.run():
            await seconds(100)
            return await seconds(blocks), None if quick else await seconds(10_000)

    blocks = 100 if quick else 1000
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder) / "plane", max_containers=16) as plane:
        os.environ.update(plane.environment | {"FORGE_HOME": folder})
        few, many = asyncio.run(measure())
        modal.Client.from_env().close()
    return {
        "overhead_ms_a_block": 1000 * few / blocks,
        "blocks_a_second": blocks / few,
        "dispatch_10000_seconds": many,
    }


def core_seconds(deals: int) -> float:
    """Processor seconds of a deal with 50,000 sampled states, on one thread."""
    from forge_core.shards.generate import write_block
    from forge_core.shards.request import DealRequest
    from forge_core.shards.settings import ShardSettings

    with tempfile.TemporaryDirectory() as folder:
        write_block([DealRequest(5000, None, 0)], ShardSettings(), Path(folder), threads=1)
        start = time.process_time()
        write_block(
            [DealRequest(seed, None, seed % 10) for seed in range(deals)], ShardSettings(), Path(folder), threads=1
        )
        return (time.process_time() - start) / deals


def costs(seconds: float) -> dict[str, Any]:
    """Dollars and hours on Modal's cores with this time a deal."""
    from configs.modal import Place
    from tasks.generate import STAGE
    from tasks.remote import cost
    from tasks.remote.prices import PUBLISHED

    cost.CORE_SECONDS = {"generate": (seconds, "now")}
    place = Place(max_containers=cost.CONTAINERS)
    rows: dict[str, Any] = {}
    for count in (10_000, 1_000_000):
        inputs = -(-count // cost.block_size("generate", None))
        found = cost.estimate(STAGE, None, place, PUBLISHED, items=count, inputs=inputs)
        rows |= {f"dollars_{count}_deals": found.expected, f"hours_{count}_deals": found.hours}
    return rows


def main() -> None:
    asked = options(__doc__)
    measures = dispatching(quick=asked.quick)
    measures["core_seconds_a_deal"] = core_seconds(10 if asked.quick else 100)
    publish("dispatch", measures | costs(measures["core_seconds_a_deal"]), asked)


if __name__ == "__main__":
    main()
