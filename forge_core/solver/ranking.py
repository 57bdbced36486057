"""Where a trick boundary lies in the value table: a perfect hash, no search.

With k tricks left every seat holds k of its seven slots. The hands of seats 0-2 and the leader choose a *row* (the
combinatorial ranks of the masks in mixed radix C(7, k)), the hand of seat 3 a *lane* of it: the low six bits of its
mask, because the seventh follows from k. A row has 64 lanes, and taking slot b < 6 out of seat 3's hand moves a value
down by 2^b lanes, slot 6 by none: one vector operation does it for all hands of seat 3 at once.
"""

from math import comb

import numpy as np

HANDS = np.array([comb(7, k) for k in range(8)], dtype=np.int64)
"""[k] -> the number of hands of k slots out of seven."""

ROWS = 4 * HANDS**3
"""[k] -> the number of rows, reachable or not, with k tricks left."""

ROW_START = np.concatenate([[0], np.cumsum(ROWS)])
"""[k] -> where the rows with k tricks left begin in an array over all rows."""

RANK_OF_MASK = np.zeros(128, dtype=np.int64)
"""[mask] -> its rank among the masks of the same size, ascending."""

MASK_OF_RANK = np.zeros((8, 35), dtype=np.int64)
"""[size, rank] -> the mask."""

LANE_SHIFT = np.array([1, 2, 4, 8, 16, 32, 0], dtype=np.int64)
"""[slot] -> by how many lanes a value moves down when seat 3 plays the slot."""

HOLDS = np.zeros((8, 7), dtype=np.uint64)
"""[size, slot] -> the lanes of the hands of that size that hold the slot."""

VOIDS = np.zeros((8, 128), dtype=np.uint64)
"""[size, mask] -> the lanes of the hands of that size that hold none of the mask's slots."""

for _size in range(8):
    _masks = [mask for mask in range(128) if mask.bit_count() == _size]
    MASK_OF_RANK[_size, : len(_masks)] = _masks
    RANK_OF_MASK[_masks] = range(len(_masks))
    for _mask in _masks:
        _lane = np.uint64(1 << (_mask & 63))
        HOLDS[_size, [slot for slot in range(7) if _mask >> slot & 1]] |= _lane
        VOIDS[_size, np.arange(128) & _mask == 0] |= _lane
