"""States into tokens: the vocabulary's definition, applied to many states at once.

What stays the same through all states of a deal is joined from the domino features by polars, once a deal; a Numba
kernel adds what a state changes: whose turn it is, what is held, what lies on the table. Both release the GIL.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Int8, Int64, UInt8

from forge_core.solver import state
from forge_core.solver.jit import inlined, kernel
from forge_core.solver.rules_kernel import playable
from forge_core.solver.state import StateFields
from forge_core.tokens import vocabulary as words
from forge_core.tokens.domino_features import STATIC, domino_features
from forge_core.tokens.vocabulary import N_FEATURES, N_SLOTS, N_TOKENS, Feature, TokenType


class Encoded(NamedTuple):
    """n states as their movers see them.

    tokens  features of the 32 tokens, as the vocabulary defines them
    mask    which tokens are there (absent plays of the present trick are not)
    legal   which of the mover's slots may be played
    """

    tokens: Int8[np.ndarray, "n 32 9"]
    mask: Bool[np.ndarray, "n 32"]
    legal: Bool[np.ndarray, "n 7"]


class DealFeatures(NamedTuple):
    """What m deals, each with its declaration, give to all their states; dominoes in the order they were dealt.

    static   the features that stay; the other columns are 0
    leads    the suit a domino asks for when it is led
    follows  bit s: it follows suit s
    """

    static: Int8[np.ndarray, "m 28 9"]
    leads: UInt8[np.ndarray, "m 28"]
    follows: UInt8[np.ndarray, "m 28"]


def encode_states(
    deals: UInt8[np.ndarray, "n 28"], declarations: UInt8[np.ndarray, "n"], states: Int64[np.ndarray, "n"]
) -> Encoded:
    """The tokens of states of different deals: row i is `states[i]` of the 28 dealt ids `deals[i]`."""
    return encode_rows(deal_features(deals, declarations), np.arange(len(states)), states)


def deal_features(deals: UInt8[np.ndarray, "m 28"], declarations: UInt8[np.ndarray, "m"]) -> DealFeatures:
    """The features that m deals give to all their states."""
    dealt = pl.DataFrame(
        {
            "declaration": np.repeat(np.asarray(declarations, np.int8), 28),
            "domino": np.asarray(deals, np.uint8).reshape(-1),
        }
    )
    joined = dealt.join(domino_features(), on=["declaration", "domino"], how="left", maintain_order="left")
    static = np.zeros((len(dealt), N_FEATURES), np.int8)
    for feature in STATIC:
        static[:, feature] = joined[feature.name].to_numpy()
    static[:, Feature.DECLARATION] = joined["declaration"].to_numpy()
    static[:, Feature.TOKEN_TYPE] = TokenType.HAND
    return DealFeatures(
        static.reshape(-1, 28, N_FEATURES),
        joined["leads"].to_numpy().reshape(-1, 28),
        joined["follows"].to_numpy().reshape(-1, 28),
    )


def encode_rows(deals: DealFeatures, rows: Int64[np.ndarray, "n"], states: Int64[np.ndarray, "n"]) -> Encoded:
    """The tokens of states of a few deals: `states[i]` belongs to the deal `rows[i]` of `deals`."""
    n = len(states)
    encoded = Encoded(
        np.zeros((n, N_TOKENS, N_FEATURES), np.int8),
        np.zeros((n, N_TOKENS), np.bool_),
        np.zeros((n, N_SLOTS), np.bool_),
    )
    _encode(deals, np.asarray(rows, np.int64), state.fields(states), encoded)
    return encoded


_FEATURES, _FIRST_HAND, _FIRST_TRICK = int(N_FEATURES), int(words.FIRST_HAND), int(words.FIRST_TRICK)
_SEAT, _IS_MOVER, _IS_PARTNER = int(Feature.RELATIVE_SEAT), int(Feature.IS_MOVER), int(Feature.IS_PARTNER)
_IS_HELD, _TYPE, _TRICK = int(Feature.IS_HELD), int(Feature.TOKEN_TYPE), int(TokenType.TRICK)
_DECLARATION, _LEADER = int(Feature.DECLARATION), int(Feature.RELATIVE_LEADER)


@kernel
def _encode(deals: DealFeatures, rows: Int64[np.ndarray, "n"], states: StateFields, out: Encoded) -> None:
    for i in range(len(rows)):
        deal, mover = rows[i], states.mover[i]
        leader = (states.leader[i] - mover) & 3
        tokens, mask = out.tokens[i], out.mask[i]
        tokens[0, _DECLARATION] = deals.static[deal, 0, _DECLARATION]
        tokens[0, _LEADER] = leader
        mask[:_FIRST_TRICK] = True
        for seat in range(4):
            dealt = 7 * ((mover + seat) & 3)
            for slot in range(7):
                token = tokens[_FIRST_HAND + 7 * seat + slot]
                _copy(deals.static[deal, dealt + slot], token)
                token[_SEAT], token[_IS_MOVER], token[_IS_PARTNER] = seat, seat == 0, seat == 2
                token[_IS_HELD] = states.held[i, (mover + seat) & 3] >> slot & 1
                token[_LEADER] = leader
        for place in range(states.n_played[i]):
            seat = (leader + place) & 3
            token = tokens[_FIRST_TRICK + place]
            _copy(deals.static[deal, 7 * ((mover + seat) & 3) + states.trick[i, place]], token)
            token[_SEAT], token[_IS_PARTNER] = seat, seat == 2
            token[_TYPE], token[_LEADER] = _TRICK, leader
            mask[_FIRST_TRICK + place] = True
        _mark_legal(deals, deal, states, i, out.legal[i])


@inlined
def _copy(source: Int8[np.ndarray, "9"], target: Int8[np.ndarray, "9"]) -> None:
    for feature in range(_FEATURES):
        target[feature] = source[feature]


@inlined
def _mark_legal(deals: DealFeatures, deal: int, states: StateFields, i: int, legal: Bool[np.ndarray, "7"]) -> None:
    mover = states.mover[i]
    held = states.held[i, mover]
    following = 0
    if states.n_played[i] > 0:
        suit = deals.leads[deal, 7 * states.leader[i] + states.trick[i, 0]]
        for slot in range(7):
            following |= (deals.follows[deal, 7 * mover + slot] >> suit & 1) << slot
    slots = playable(held, following)
    for slot in range(7):
        legal[slot] = slots >> slot & 1
