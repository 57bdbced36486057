import itertools
import multiprocessing
import signal
import threading
import time
from contextlib import closing

import numpy as np
import pytest
import torch

from forge_core.learn.batches import MANY_THREADS, Batch, BlockMaker, StreamBatches
from forge_core.learn.settings import StreamSettings, TrainSettings
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split, split_of, train_seeds
from forge_core.solver.gpu import Device


@pytest.fixture(scope="module")
def settings() -> TrainSettings:
    stream = StreamSettings(
        first_seed=898, deals_per_block=3, shards=ShardSettings(states_per_deal=100, strategy="uniform,by_depth")
    )
    return TrainSettings(source="stream", stream=stream, batch_size=64, samples_per_epoch=320)


def _batches(source: StreamBatches, epochs: int) -> list[Batch]:
    return [batch for _ in range(epochs) for batch in source]


def _equal(one: Batch, other: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(one, other, strict=True))


def test_train_seeds_leave_the_other_splits_out() -> None:
    expected = [seed for seed in range(5000) if split_of(seed) is Split.TRAIN]
    assert train_seeds(0, len(expected)) == expected
    assert train_seeds(0, 3, first=898) == [898, 899, 1000]
    assert train_seeds(2, 2, first=950) == [1002, 1003]


def test_every_deal_is_of_the_train_split_and_seen_once(settings: TrainSettings) -> None:
    source = BlockMaker(settings, 2)
    seeds = [set(source.block(number).seed.tolist()) for number in range(2)]
    assert seeds == [{898, 899, 1000}, {1001, 1002, 1003}]


def test_epochs_are_as_long_as_they_say_and_go_through_the_blocks_in_order(settings: TrainSettings) -> None:
    source = StreamBatches(settings)
    assert len(source) == 5
    drawn = _batches(source, 2)
    assert len(drawn) == 10
    blocks = (BlockMaker(settings, 1).block(number) for number in itertools.count())
    expected = (
        block.tokens[first : first + 64] for block in blocks for first in range(0, len(block) - len(block) % 64, 64)
    )
    for batch, tokens in zip(drawn, expected, strict=False):
        np.testing.assert_array_equal(batch.tokens.numpy(), tokens)
    source.close()


@pytest.mark.parametrize("stopped_after", [1, 4, 5, 7])
def test_a_stopped_stream_goes_on_with_the_next_batch(settings: TrainSettings, stopped_after: int) -> None:
    whole = StreamBatches(settings, threads=2)
    expected = _batches(whole, 2)
    whole.close()
    first = StreamBatches(settings)
    epochs = itertools.chain.from_iterable(iter(first) for _ in range(2))
    taken = list(itertools.islice(epochs, stopped_after))
    state = first.state_dict()
    first.close()
    second = StreamBatches(settings)
    second.load_state_dict(state)
    taken += _batches(second, 1 if stopped_after >= 5 else 2)
    second.close()
    assert len(taken) == len(expected)
    assert all(map(_equal, taken, expected))


def test_the_seed_orders_the_samples(settings: TrainSettings) -> None:
    one, other = (BlockMaker(settings.model_copy(update={"seed": seed}), 1).block(0) for seed in (1, 2))
    assert not np.array_equal(one.tokens, other.tokens)
    assert sorted(one.v.tolist()) == sorted(other.v.tolist())


def test_the_filters_of_tokenizing_apply(settings: TrainSettings) -> None:
    stream = settings.stream.model_copy(
        update={"tokens": settings.stream.tokens.model_copy(update={"drop_forced": True})}
    )
    block = BlockMaker(settings.model_copy(update={"stream": stream}), 1).block(0)
    assert (block.legal.sum(axis=1) > 1).all()


def test_a_device_solves_the_same_samples(settings: TrainSettings, device: Device) -> None:
    on_cpu, on_device = BlockMaker(settings, 1).block(1), BlockMaker(settings, 2, device).block(1)
    np.testing.assert_array_equal(on_cpu.tokens, on_device.tokens)
    np.testing.assert_array_equal(on_cpu.q, on_device.q)


def test_an_interruption_does_not_wait_for_a_block(settings: TrainSettings) -> None:
    """A block of 4,096 deals takes a quarter of an hour."""
    stream = settings.stream.model_copy(update={"deals_per_block": 4096})
    source = StreamBatches(settings.model_copy(update={"stream": stream}), threads=2)
    threading.Timer(1.0, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), closing(source):
        next(iter(source))
    assert time.monotonic() - start < 10


def test_a_failure_in_the_making_reaches_the_training(settings: TrainSettings) -> None:
    source = StreamBatches(settings)
    source.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        next(iter(source))


def test_processes_make_the_same_batches_and_end_at_once(settings: TrainSettings) -> None:
    by_thread, by_processes = StreamBatches(settings), StreamBatches(settings, threads=MANY_THREADS)
    assert all(map(_equal, _batches(by_processes, 2), _batches(by_thread, 2)))
    by_thread.close()
    start = time.monotonic()
    by_processes.close()
    assert time.monotonic() - start < 2
    assert not multiprocessing.active_children()
