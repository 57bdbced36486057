import numpy as np
import pytest
import torch

from forge_core.learn.batches import take
from forge_core.learn.network import build_network, count_parameters
from forge_core.learn.settings import SIZES, Architecture
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, Feature

TINY = [SIZES["mlp", "tiny"], SIZES["transformer", "tiny"]]
by_network = pytest.mark.parametrize("architecture", TINY, ids=lambda architecture: architecture.network)


@by_network
def test_answers_have_the_promised_shapes_and_types(architecture: Architecture, val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, 5))
    slots, value = build_network(architecture, "qvalue", 0)(batch.tokens, batch.mask)
    assert slots.shape == (5, 7)
    assert value.shape == (5,)
    assert slots.dtype == value.dtype == torch.float32


@by_network
def test_int8_and_int64_tokens_are_the_same(architecture: Architecture, val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, 50))
    network = build_network(architecture, "qvalue", 0)
    for one, other in zip(network(batch.tokens, batch.mask), network(batch.tokens.long(), batch.mask), strict=True):
        torch.testing.assert_close(one, other)


@by_network
def test_a_row_does_not_depend_on_the_others(architecture: Architecture, val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 9))
    network = build_network(architecture, "qvalue", 0)
    together, _ = network(batch.tokens, batch.mask)
    alone, _ = network(batch.tokens[7:8], batch.mask[7:8])
    torch.testing.assert_close(together[7:8], alone, rtol=1e-4, atol=1e-3)


@by_network
def test_another_order_of_slots_gives_the_same_values_in_that_order(
    architecture: Architecture, val_arrays: TokenArrays
) -> None:
    batch = take(val_arrays, slice(0, None, 9))
    network = build_network(architecture, "qvalue", 3)
    slots, value = network(batch.tokens, batch.mask)
    rng = np.random.default_rng(0)
    order = np.arange(32)
    for seat in range(4):
        first = FIRST_HAND + 7 * seat
        order[first : first + 7] = first + rng.permutation(7)
    shuffled_slots, shuffled_value = network(batch.tokens[:, order], batch.mask[:, order])
    mine = torch.from_numpy(order[FIRST_HAND : FIRST_HAND + 7] - FIRST_HAND)
    torch.testing.assert_close(shuffled_slots, slots[:, mine], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(shuffled_value, value, rtol=1e-4, atol=1e-3)


@by_network
@pytest.mark.parametrize("feature", [Feature.IS_HELD, Feature.DECLARATION, Feature.DOMINO])
def test_what_the_tokens_say_matters(architecture: Architecture, feature: Feature, val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 40))
    changed = batch.tokens.clone()
    if feature is Feature.DECLARATION:
        changed[:, :, feature] = (changed[:, :, feature] + 1) % 10
    elif feature is Feature.IS_HELD:
        changed[:, FIRST_HAND:FIRST_TRICK, feature] = 0
    else:
        changed[:, FIRST_HAND:FIRST_TRICK] = changed[:, FIRST_HAND:FIRST_TRICK].roll(1, dims=1)
    network = build_network(architecture, "qvalue", 0)
    before, _ = network(batch.tokens, batch.mask)
    after, _ = network(changed, batch.mask)
    assert ((before - after).abs().amax(dim=1) > 1e-4).all()


@by_network
def test_masked_tokens_say_nothing(architecture: Architecture, val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, np.flatnonzero(~val_arrays.mask.all(axis=1))[:64])
    network = build_network(architecture, "qvalue", 0)
    garbage = torch.where(batch.mask.unsqueeze(-1), batch.tokens, torch.ones_like(batch.tokens))
    for one, other in zip(network(batch.tokens, batch.mask), network(garbage, batch.mask), strict=True):
        torch.testing.assert_close(one, other)


def test_the_seed_draws_the_first_weights_and_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (build_network(TINY[0], "qvalue", seed).state_dict() for seed in (1, 1, 2))
    torch.testing.assert_close(torch.rand(3), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("size", "millions"), [("small", 0.8), ("medium", 2.1), ("large", 3.3), ("huge", 10.4)])
@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_presets_have_about_the_parameters_they_say(network: str, size: str, millions: float) -> None:
    parameters = count_parameters(build_network(SIZES[network, size], "qvalue", 0))  # type: ignore[index]
    assert parameters / 1e6 == pytest.approx(millions, rel=0.1)
