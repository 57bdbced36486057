from itertools import islice

import numpy as np

from forge_core.learn.batches import TrainBatches, ValidationBatches, take
from forge_core.learn.settings import TrainSettings
from forge_core.tokens.arrays import TokenArrays, draw


def _batches(arrays: TokenArrays, *, seed: int = 0, samples_per_epoch: int | None = None) -> TrainBatches:
    settings = TrainSettings(batch_size=64, seed=seed, samples_per_epoch=samples_per_epoch)
    return TrainBatches(arrays, settings)


def test_every_pass_holds_every_sample_once(val_arrays: TokenArrays) -> None:
    batches, n = _batches(val_arrays), len(val_arrays)
    rows = np.concatenate([batches.rows(i) for i in range(3 * n // 64 + 1)])
    for start in (0, n, 2 * n):
        assert np.array_equal(np.sort(rows[start : start + n]), np.arange(n))
    assert not np.array_equal(rows[:n], rows[n : 2 * n])


def test_all_batches_are_full_and_an_epoch_has_its_length(val_arrays: TokenArrays) -> None:
    batches = _batches(val_arrays, samples_per_epoch=640)
    assert [len(batch.v) for batch in batches] == [64] * 10
    assert len(_batches(val_arrays)) == len(val_arrays) // 64


def test_rows_hold_what_the_arrays_hold(val_arrays: TokenArrays) -> None:
    batches = _batches(val_arrays)
    batch, rows = next(iter(batches)), batches.rows(0)
    assert np.array_equal(batch.tokens.numpy(), val_arrays.tokens[rows])
    assert np.array_equal(batch.q.numpy(), val_arrays.q[rows])


def test_the_order_is_the_seeds(val_arrays: TokenArrays) -> None:
    assert np.array_equal(_batches(val_arrays).rows(5), _batches(val_arrays).rows(5))
    assert not np.array_equal(_batches(val_arrays).rows(5), _batches(val_arrays, seed=1).rows(5))


def test_a_stopped_sequence_goes_on_in_the_middle_of_an_epoch(val_arrays: TokenArrays) -> None:
    whole = _batches(val_arrays, samples_per_epoch=640)
    expected = [batch.v.numpy() for _ in range(2) for batch in whole]
    stopped = _batches(val_arrays, samples_per_epoch=640)
    seen = [batch.v.numpy() for batch in islice(stopped, 4)]
    resumed = _batches(val_arrays, samples_per_epoch=640)
    resumed.load_state_dict(stopped.state_dict())
    rest = [batch.v.numpy() for batch in resumed]
    assert len(rest) == 6
    rest += [batch.v.numpy() for batch in resumed]
    assert np.array_equal(np.concatenate(seen + rest), np.concatenate(expected))


def test_fewer_samples_than_a_batch_are_repeated(val_arrays: TokenArrays) -> None:
    few = draw(val_arrays, 10, seed=0)
    times = np.bincount(_batches(few).rows(0), minlength=10)
    assert sorted(times) == [6] * 6 + [7] * 4


def test_validation_sees_every_sample_in_order(val_arrays: TokenArrays) -> None:
    batches = ValidationBatches(val_arrays)
    assert len(list(batches)) == len(batches)
    assert np.array_equal(np.concatenate([batch.v.numpy() for batch in batches]), val_arrays.v)


def test_a_draw_is_the_seeds_and_keeps_rows_together(val_arrays: TokenArrays) -> None:
    drawn, again = draw(val_arrays, 100, seed=3), draw(val_arrays, 100, seed=3)
    assert len(drawn) == 100
    assert np.array_equal(drawn.tokens, again.tokens)
    assert np.array_equal(np.where(drawn.legal, drawn.q, -128).max(axis=1), drawn.v)
    assert draw(val_arrays, None, seed=0) is val_arrays
    assert draw(val_arrays, 10**9, seed=0) is val_arrays


def test_slices_are_views(val_arrays: TokenArrays) -> None:
    assert np.shares_memory(take(val_arrays, slice(0, 4)).tokens.numpy(), val_arrays.tokens)
