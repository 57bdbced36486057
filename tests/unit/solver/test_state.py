"""The packed state: its public layout, and back to the position."""

import os
import random

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge_core.rules import SEATS, Declaration, deal_from_seed, opening
from forge_core.solver.state import NO_SLOT, OPENING, fields, pack, pack_fields, unpack


@given(st.integers(0, 10**6), st.sampled_from(Declaration), st.integers(0, 28))
def test_there_and_back(seed: int, declaration: Declaration, plays: int) -> None:
    rng = random.Random(seed)
    position = opening(deal_from_seed(seed), declaration)
    for _ in range(plays):
        position = position.play(rng.choice(position.legal_slots()))
    state = pack(position)
    again = unpack(state, position.deal, declaration)
    assert (again.held, again.leader, again.trick) == (position.held, position.leader, position.trick)
    parts = fields(np.array([state]))
    assert parts.held[0].tolist() == list(position.held)
    assert (parts.leader[0], parts.n_played[0]) == (position.leader, len(position.trick))
    assert (parts.mover[0], parts.plays_left[0]) == (position.mover, position.plays_left)
    assert pack_fields(parts.held, parts.leader, parts.n_played, parts.trick).tolist() == [state]
    assert parts.trick[0].tolist() == [*position.trick, NO_SLOT, NO_SLOT, NO_SLOT][:3]


@pytest.mark.skipif(not os.environ.get("FORGE_TEST_SHAPES"), reason="`make test-slow` checks shapes")
def test_an_array_of_another_shape_is_refused() -> None:
    flat = np.zeros(2, np.int64)
    with pytest.raises(jaxtyping.TypeCheckError, match="held"):
        pack_fields(flat, flat, flat, np.zeros((2, 3), np.int64))


def test_the_layout_is_the_published_one() -> None:
    position = opening(deal_from_seed(0), 0).play(2)
    state = pack(position)
    assert pack(opening(deal_from_seed(0), 0)) == OPENING
    assert [state >> 7 * seat & 127 for seat in SEATS] == [127 & ~(1 << 2), 127, 127, 127]
    assert (state >> 28 & 3, state >> 30 & 3) == (0, 1)
    assert [state >> shift & 7 for shift in (32, 35, 38)] == [2, 7, 7]
    assert state < 1 << 41
