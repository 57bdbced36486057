import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forge_core.rules import SEATS, Deal, Position, deal_from_seed, opening
from forge_core.solver import state
from forge_core.tokens.decode import decode
from forge_core.tokens.encode import Encoded, encode_states
from forge_core.tokens.vocabulary import CARDINALITY, FIRST_HAND, FIRST_TRICK, Feature, TokenType


def played_out(seed: int, declaration: int, plays: int) -> Position:
    """The position after some random plays of a deal."""
    stream = random.Random(seed * 31 + plays)
    position = opening(deal_from_seed(seed), declaration)
    for _ in range(plays):
        position = position.play(stream.choice(position.legal_slots()))
    return position


def turned(position: Position, seats: int) -> Position:
    """The same position with every seat counted from `seats` on; nothing won yet."""
    deal = Deal(tuple(position.deal.hands[(seat + seats) % 4] for seat in SEATS))
    held = [position.held[(seat + seats) % 4] for seat in SEATS]
    leader = (position.leader - seats) % 4
    return Position(deal, position.declaration, (held[0], held[1], held[2], held[3]), leader, position.trick)


POSITIONS = st.builds(played_out, st.integers(0, 10**6), st.integers(0, 9), st.integers(0, 27))


def encode(*positions: Position) -> Encoded:
    return encode_states(
        np.array([position.deal.dominoes for position in positions], np.uint8),
        np.array([position.declaration for position in positions], np.uint8),
        np.array([state.pack(position) for position in positions]),
    )


@settings(max_examples=200, deadline=None)
@given(POSITIONS)
def test_a_sample_can_be_decoded(position: Position) -> None:
    encoded = encode(position)
    assert decode(encoded.tokens[0], encoded.mask[0]) == turned(position, position.mover)
    assert tuple(np.flatnonzero(encoded.legal[0])) == position.legal_slots()


@settings(max_examples=50, deadline=None)
@given(POSITIONS, st.integers(1, 3))
def test_no_feature_carries_an_absolute_seat(position: Position, seats: int) -> None:
    for here, there in zip(encode(position), encode(turned(position, seats)), strict=True):
        np.testing.assert_array_equal(here, there)


@settings(max_examples=50, deadline=None)
@given(st.lists(POSITIONS, min_size=1, max_size=20))
def test_features_stay_within_the_vocabulary(positions: list[Position]) -> None:
    encoded = encode(*positions)
    for feature, cardinality in CARDINALITY.items():
        column = encoded.tokens[:, :, feature]
        assert column.min() >= 0
        assert column.max() < cardinality
    assert not encoded.tokens[~encoded.mask].any()
    types = encoded.tokens[:, :, Feature.TOKEN_TYPE]
    assert (types[:, FIRST_HAND:FIRST_TRICK] == TokenType.HAND).all()
    assert (types[:, FIRST_TRICK:][encoded.mask[:, FIRST_TRICK:]] == TokenType.TRICK).all()


def test_rows_do_not_depend_on_their_neighbours() -> None:
    positions = [played_out(seed, seed % 10, seed % 28) for seed in range(100)]
    together = encode(*positions)
    for i, position in enumerate(positions):
        for one, many in zip(encode(position), together, strict=True):
            np.testing.assert_array_equal(one[0], many[i])
