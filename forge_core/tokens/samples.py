"""From the rows of a shard to samples: filter, draw, encode."""

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from forge_core.errors import DamagedFile
from forge_core.shards.schema import Q_COLUMNS, STATE, VALUE
from forge_core.solver import state
from forge_core.solver.state import ILLEGAL
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.encode import deal_features, encode_rows
from forge_core.tokens.settings import TokenSettings


def choose_rows(frame: pl.DataFrame, settings: TokenSettings, *, most: int | None, key: int) -> pl.DataFrame:
    """The rows of a shard that pass the filters, at most `most` of them drawn by a random key; their order is kept."""
    plays_left = pl.Series(state.fields(frame[STATE].to_numpy()).plays_left)
    chosen = frame.filter(plays_left.is_between(settings.fewest_plays_left, settings.most_plays_left))
    if settings.drop_forced:
        chosen = chosen.filter(pl.sum_horizontal(pl.col(*Q_COLUMNS) != ILLEGAL) > 1)
    if settings.keep_forced < 1 or settings.keep_followers < 1:
        chosen = chosen.filter(pl.Series(_thinned(chosen, settings, key)))
    if most is None or chosen.height <= most:
        return chosen
    return chosen.with_row_index("row").sample(most, seed=key).sort("row").drop("row")


def _thinned(frame: pl.DataFrame, settings: TokenSettings, key: int) -> np.ndarray:
    """Which rows are kept where forced states and followers are thinned out: each by a draw of its own."""
    forced = frame.select(pl.sum_horizontal(pl.col(*Q_COLUMNS) != ILLEGAL) == 1).to_series().to_numpy()
    follows = state.fields(frame[STATE].to_numpy()).n_played > 0
    share = np.where(forced, settings.keep_forced, 1.0) * np.where(follows, settings.keep_followers, 1.0)
    return np.random.Generator(np.random.Philox(key=[key, 1])).random(frame.height) < share


def draw_key(relative_path: str, group: int, seed: int) -> int:
    """The random key (64 bits) by which rows of a shard's row group are drawn."""
    purpose = f"draw samples: {relative_path}, {group}, {seed}"
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")


def to_samples(frame: pl.DataFrame, dominoes: Sequence[int], *, declaration: int, seed: int) -> TokenArrays:
    """Encode states of one deal with their values, as a shard holds them.

    dominoes  the 28 dealt ids
    Raises DamagedFile when the q contradict the rules about what may be played.
    """
    states = frame[STATE].to_numpy()
    deal = deal_features(np.array([dominoes], np.uint8), np.array([declaration], np.uint8))
    encoded = encode_rows(deal, np.zeros(len(states), np.int64), states)
    parts = state.fields(states)
    sign = (1 - 2 * (parts.mover & 1)).astype(np.int8)
    q = frame.select(Q_COLUMNS).to_numpy(order="c")
    if not np.array_equal(encoded.legal, q != ILLEGAL):
        raise DamagedFile.of(
            got=f"q of illegal slots, or none of legal ones, in the shard of seed {seed}",
            expected="a q for each slot that may be played and for no other",
            remedy="delete the shard and generate it again",
        )
    mover_q = np.where(encoded.legal, q * sign[:, None], np.int8(ILLEGAL))
    return TokenArrays(
        tokens=encoded.tokens,
        mask=encoded.mask,
        legal=encoded.legal,
        q=mover_q,
        v=frame[VALUE].to_numpy() * sign,
        best=encoded.legal & (mover_q == mover_q.max(axis=1, keepdims=True)),
        plays_left=parts.plays_left,
        declaration=np.full(len(states), declaration, np.int8),
        seed=np.full(len(states), seed, np.int64),
    )
