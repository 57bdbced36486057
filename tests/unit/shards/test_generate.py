import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forge_core.shards.generate import Outcome, ShardReceipt, write_block, write_deal
from forge_core.shards.read import read_shard
from forge_core.shards.request import DealRequest
from forge_core.shards.sampling import sampling_of
from forge_core.shards.schema import Q_COLUMNS
from forge_core.shards.settings import Keep, ShardSettings
from forge_core.solver import state
from forge_core.solver.gpu import Device, table_q
from forge_core.solver.search import search_q
from forge_core.solver.solved import best_of

GOLDEN = Path(__file__).parents[2] / "golden" / "opening_values.json"


def test_a_shard_tells_all_about_its_deal(shard: Path) -> None:
    metadata = read_shard(shard).metadata
    golden = next(case for case in json.loads(GOLDEN.read_text())["cases"] if case["seed"] == 1)
    assert metadata.dominoes == DealRequest(1, None, 1).deal().dominoes
    assert (metadata.seed, metadata.opponent_seed, metadata.declaration) == (1, None, golden["declaration"])
    assert metadata.opening_value == golden["value"]
    assert metadata.rows == 400
    assert metadata.sampling == sampling_of(DealRequest(1, None, 1), ShardSettings(states_per_deal=400))


@pytest.mark.parametrize("strategy", ["uniform", "by_depth", "played"])
@pytest.mark.parametrize("opponent_seed", [None, 1])
def test_every_row_is_what_the_search_says(tmp_path: Path, strategy: str, opponent_seed: int | None) -> None:
    request = DealRequest(4, opponent_seed, 4)
    write_deal(request, ShardSettings(states_per_deal=500, strategy=strategy), tmp_path)
    whole = read_shard(tmp_path / request.relative_path())
    states = whole.frame["state"].to_numpy()
    deals = np.tile(np.array(whole.metadata.dominoes, np.uint8), (len(states), 1))
    q = search_q(deals, np.full(len(states), whole.metadata.declaration, np.uint8), states)
    np.testing.assert_array_equal(whole.frame.select(Q_COLUMNS).to_numpy(), q)
    np.testing.assert_array_equal(whole.frame["V"].to_numpy(), best_of(q, states))


def test_states_are_different_ascending_and_not_final(shard: Path) -> None:
    states = read_shard(shard).frame["state"].to_numpy()
    assert (np.diff(states) > 0).all()
    assert (state.fields(states).plays_left > 0).all()


def test_a_shard_is_the_same_to_the_byte_each_time(shard: Path, tmp_path: Path) -> None:
    receipt = write_deal(DealRequest(1, None, 1), ShardSettings(states_per_deal=400), tmp_path)
    assert (tmp_path / receipt.relative_path).read_bytes() == shard.read_bytes()


def test_a_block_reports_in_the_order_asked(tmp_path: Path) -> None:
    requests = [DealRequest(900, None, 0), DealRequest(1, None, 1)]
    seen: list[Path] = []
    receipts = write_block(
        requests, ShardSettings(states_per_deal=10), tmp_path, on_progress=lambda done: seen.append(done.relative_path)
    )
    assert [receipt.relative_path for receipt in receipts] == [request.relative_path() for request in requests] == seen
    assert [receipt.rows for receipt in receipts] == [10, 10]


def test_an_interruption_does_not_wait_for_a_large_shard(tmp_path: Path) -> None:
    """The first deal is too large and told of at once, while seconds of work on the second are still to come."""
    requests = [DealRequest(3, None, 3), DealRequest(1, None, 1)]
    settings = ShardSettings(keep=Keep.ALL, max_states=6_000_000)

    def interrupt(done: ShardReceipt) -> None:
        assert done.outcome is Outcome.SKIPPED
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_block(requests, settings, tmp_path, on_progress=interrupt)
    assert [path.suffix for path in tmp_path.rglob(".*")] == [".skipped"]
    assert not (tmp_path / requests[1].relative_path()).exists()


def test_settings_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="states_per_deal"):
        ShardSettings(states_per_deal=0)


def test_a_device_writes_the_same_shards(device: Device, tmp_path: Path) -> None:
    requests = [DealRequest(1, None, 1), DealRequest(17, 0, 7)]
    for strategy in ("uniform", "played=1,by_depth=2"):
        settings = ShardSettings(states_per_deal=2000, strategy=strategy)
        write_block(requests, settings, tmp_path / "cpu" / strategy)
        write_block(requests, settings, tmp_path / "gpu" / strategy, device=device)
        for request in requests:
            path = strategy / request.relative_path()
            assert (tmp_path / "gpu" / path).read_bytes() == (tmp_path / "cpu" / path).read_bytes()


class Watched:
    """A device with room for one deal, which counts the batches that lie on it at a time."""

    def __init__(self, device: Device) -> None:
        self.name, self.xp, self.most = device.name, device.xp, 0
        self._device = device
        self._lanes: list[weakref.ref[Any]] = []

    def launch(self, kernel: str, threads: int, *arguments: Any) -> None:
        if kernel == "mark_level":
            alive = [each for each in self._lanes if each() is not None and each() is not arguments[4]]
            self._lanes = [*alive, weakref.ref(arguments[4])]
            self.most = max(self.most, len(self._lanes))
        self._device.launch(kernel, threads, *arguments)

    def free_bytes(self) -> int:
        return 1


def test_a_batch_leaves_the_device_before_the_next_one_comes(device: Device, tmp_path: Path) -> None:
    watched = Watched(device)
    requests = [DealRequest(seed, None, seed % 10) for seed in (1, 900, 17)]
    receipts = write_block(requests, ShardSettings(states_per_deal=100), tmp_path, device=watched)
    assert [receipt.rows for receipt in receipts] == [100, 100, 100]
    states = np.full(3, state.OPENING)
    deals = np.array([request.deal().dominoes for request in requests], np.uint8)
    table_q(watched, deals, np.array([1, 0, 7], np.uint8), states)
    assert watched.most == 1
