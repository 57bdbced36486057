"""Several generators on one folder, some of them killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from forge_core.datasets.base import claim
from forge_core.errors import InputError
from forge_core.shards.dataset import Shards
from forge_core.shards.generate import Outcome, write_block, write_deal
from forge_core.shards.read import read_shard
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.solver.gpu import Device

SETTINGS = ShardSettings(states_per_deal=50)
REQUESTS = [DealRequest(900, None, declaration) for declaration in range(8)]
GENERATOR = """
import sys
from pathlib import Path
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
requests = [DealRequest(900, None, declaration) for declaration in range(8)]
receipts = write_block(requests, ShardSettings(states_per_deal=50), Path(sys.argv[1]), threads=1)
print(*(receipt.outcome.value for receipt in receipts))
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", GENERATOR, str(folder)], stdout=subprocess.PIPE, text=True)


def test_two_generators_share_the_work(tmp_path: Path) -> None:
    generators = [start(tmp_path), start(tmp_path)]
    outcomes = [generator.communicate()[0].split() for generator in generators]
    assert [sorted(pair) for pair in zip(*outcomes, strict=True)] == [["kept", "written"]] * len(REQUESTS)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == sorted(request.file_name for request in REQUESTS)


def test_a_killed_generator_leaves_only_whole_shards(tmp_path: Path) -> None:
    generator = start(tmp_path)
    while not list(tmp_path.rglob("*.parquet")):
        time.sleep(0.005)
        assert generator.poll() is None
    os.kill(generator.pid, signal.SIGKILL)
    generator.communicate()
    done = [request for request in REQUESTS if request not in Shards().missing(tmp_path, REQUESTS)]
    assert 0 < len(done) < len(REQUESTS)
    for request in done:
        assert read_shard(tmp_path / request.relative_path()).metadata.rows == 50
    receipts = write_block(REQUESTS, SETTINGS, tmp_path)
    kept = [request for request, r in zip(REQUESTS, receipts, strict=True) if r.outcome is Outcome.KEPT]
    assert kept == done
    assert Shards().missing(tmp_path, REQUESTS) == []
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_claim_is_taken_over_when_its_owner_gives_up(tmp_path: Path) -> None:
    path = tmp_path / REQUESTS[0].relative_path()
    receipts: list[Outcome] = []
    with claim(path, wait=True, is_sound=Shards().is_sound) as temporary:
        assert temporary is not None
        temporary.write_bytes(b"half a shard")
        with claim(path, wait=False, is_sound=Shards().is_sound) as other:
            assert other is None
        waiting = threading.Thread(target=lambda: receipts.append(write_deal(REQUESTS[0], SETTINGS, tmp_path).outcome))
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
    waiting.join()
    assert receipts == [Outcome.WRITTEN]
    with claim(path, wait=True, is_sound=Shards().is_sound) as temporary:
        assert temporary is None


def test_only_damaged_shards_are_made_again(tmp_path: Path) -> None:
    write_block(REQUESTS[:3], SETTINGS, tmp_path)
    damaged = tmp_path / REQUESTS[1].relative_path()
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    receipts = write_block(REQUESTS[:3], SETTINGS, tmp_path)
    assert [receipt.outcome for receipt in receipts] == [Outcome.KEPT, Outcome.WRITTEN, Outcome.KEPT]
    assert damaged.read_bytes() == whole


def test_a_folder_does_not_mix_settings(tmp_path: Path) -> None:
    write_deal(REQUESTS[0], SETTINGS, tmp_path)
    with pytest.raises(InputError, match="other"):
        write_deal(REQUESTS[0], ShardSettings(states_per_deal=51), tmp_path)


def test_large_deals_can_be_skipped(tmp_path: Path) -> None:
    receipt = write_deal(REQUESTS[0], ShardSettings(max_states=1000), tmp_path)
    assert (receipt.outcome, receipt.rows) == (Outcome.SKIPPED, 0)
    assert receipt.reachable_states > 1000
    small, large = Shards(ShardSettings(max_states=1000)), Shards(ShardSettings(max_states=10**9))
    assert Shards().missing(tmp_path, REQUESTS[:1]) == large.missing(tmp_path, REQUESTS[:1]) == REQUESTS[:1]
    assert small.missing(tmp_path, REQUESTS[:2]) == REQUESTS[1:2]
    assert small.unwanted(tmp_path, REQUESTS[:2]) == REQUESTS[:1]
    assert Shards().unwanted(tmp_path, REQUESTS[:2]) == []


def test_a_deal_known_as_too_large_is_not_solved_again(tmp_path: Path) -> None:
    small = ShardSettings(max_states=1000)
    first, again = (write_block(REQUESTS[:2], small, tmp_path) for _ in range(2))
    assert min(each.seconds for each in first) > 0
    assert again == [replace(each, seconds=0.0) for each in first]
    larger = ShardSettings(states_per_deal=10, max_states=first[0].reachable_states)
    assert write_deal(REQUESTS[0], larger, tmp_path).outcome is Outcome.WRITTEN


def test_a_device_skips_the_same_deals(device: Device, tmp_path: Path) -> None:
    requests = [DealRequest(seed, None, seed % 10) for seed in (1, 2, 3)]
    sizes = [
        write_deal(request, ShardSettings(max_states=1), tmp_path / "sizes").reachable_states for request in requests
    ]
    settings = ShardSettings(states_per_deal=10, max_states=sorted(sizes)[1])
    wanted = [Outcome.SKIPPED if size > sorted(sizes)[1] else Outcome.WRITTEN for size in sizes]
    for outcomes in (wanted, [Outcome.KEPT if each is Outcome.WRITTEN else each for each in wanted]):
        receipts = write_block(requests, settings, tmp_path / "shards", device=device)
        assert [each.outcome for each in receipts] == outcomes


def test_a_note_that_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    small = ShardSettings(max_states=1000)
    first = write_deal(REQUESTS[0], small, tmp_path)
    next(tmp_path.rglob(".*.skipped")).write_text("")
    assert write_deal(REQUESTS[0], small, tmp_path).reachable_states == first.reachable_states


def test_blocks_hold_only_what_is_missing(tmp_path: Path) -> None:
    write_block(REQUESTS[1:3], SETTINGS, tmp_path)
    blocks = list(Shards().missing_blocks(tmp_path, iter(REQUESTS), size=4, limit=5))
    assert blocks == [[REQUESTS[0], *REQUESTS[3:6]], [REQUESTS[6]]]
