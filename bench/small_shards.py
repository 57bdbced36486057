"""Folders full of shards that took no solving, for benchmarks of what looks at them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.generate import write_block
from forge_core.shards.read import read_shard
from forge_core.shards.sampling import sampling_of
from forge_core.shards.settings import ShardSettings
from forge_core.shards.write import write_shard

SMALL = ShardSettings(states_per_deal=20)


def write_small_shards(folder: Path, seeds: int) -> None:
    """A shard for each seed below `seeds`, as `SMALL` asks for it, but with the states of the first."""
    requests = list(deal_requests(range(seeds), DealMode.STANDARD))
    with TemporaryDirectory() as name:
        (receipt,) = write_block(requests[:1], SMALL, Path(name))
        solved = read_shard(Path(name, receipt.relative_path))
    for request in requests:
        path = folder / request.relative_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        own = {"seed": request.seed, "declaration": request.declaration, "dominoes": request.deal().dominoes}
        metadata = solved.metadata.model_copy(update={**own, "sampling": sampling_of(request, SMALL)})
        write_shard(path.with_suffix(".new"), path, metadata=metadata, frames=[solved.frame])
