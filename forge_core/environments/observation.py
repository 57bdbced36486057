"""What a seat sees, as 240 numbers. Seats are relative: 0 is the one who sees, 1 its left, 2 its partner, 3 its right.

place     what                                                        values
0-27      its own hand                                                0, 1
28-139    dominoes played by relative seat 0, 1, 2, 3                 0, 1 (28 each)
140-223   the first, second and third domino of the present trick     0, 1 (28 each)
224-233   the declaration                                             0, 1
234-237   the relative seat of the declarer                           0, 1
238-239   points won by the own team, and by the other                0-42
"""

import numpy as np
from jaxtyping import Int8

from forge_core.environments.hand_play import HandPlay

SIZE = 240
_PLAYED, _TRICK, _DECLARATION, _DECLARER, _POINTS = 28, 140, 224, 234, 238


def observe(hand: HandPlay, seat: int) -> Int8[np.ndarray, "240"]:
    """What a seat sees now; the table is in the module's docstring."""
    seen = np.zeros(SIZE, np.int8)
    plays = hand.plays
    ones = [_DECLARATION + hand.declaration, _DECLARER + -seat % 4]
    ones += [_PLAYED + 28 * ((by - seat) % 4) + domino for domino, by in zip(plays, hand.seats, strict=True)]
    on_table = len(plays) % 4
    ones += [_TRICK + 28 * place + plays[place - on_table] for place in range(on_table)]
    seen[ones] = 1
    seen[:28] = bits(hand.held[seat])
    side = seat % 2
    seen[_POINTS], seen[_POINTS + 1] = hand.won[side], hand.won[1 - side]
    return seen


def bits(mask: int) -> Int8[np.ndarray, "28"]:
    """A mask of dominoes as 28 numbers, 0 or 1."""
    return np.unpackbits(np.frombuffer(mask.to_bytes(4, "little"), np.uint8), bitorder="little")[:28].view(np.int8)
