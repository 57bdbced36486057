"""The worlds of an information set: their exact number, any of them by its rank, all of them, or a uniform sample.

A world deals the unseen dominoes to the three other seats so that each gets as many as it holds and none that its
voids bar. Take the unseen dominoes in ascending order and let ways[i, a, b] be the number of ways to deal those from
the i-th on when the first other seat still needs a and the second b of them (what the third needs follows). Then
ways[0, need, need] is the number of worlds, and the same table turns a rank in 0 .. count - 1 into a world: one
domino after the other goes to the first, second or third seat, whose ways partition the ranks that are left. A
uniform rank is a uniform world, and the ranks in order are the enumeration.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int8, Int64, UInt8

from forge_core.errors import InputError, RecordError
from forge_core.expected_q.information_set import InformationSet
from forge_core.rules import DOMINOES
from forge_core.solver.jit import kernel

_UNSEEN = -1


@dataclass(frozen=True, slots=True)
class Worlds:
    """The worlds of an information set; `Worlds.of` counts them.

    info     the information set
    count    how many worlds there are
    owner    int8[28]: who holds or has played a domino; -1 = unseen
    splits   int64[u, 8, 8, 2]: for the i-th unseen domino with needs a, b of the first two other seats, the ranks
             below splits[..., 0] give it to the first, those below splits[..., 1] to the second, the rest to the third
    """

    info: InformationSet
    count: int
    owner: Int8[np.ndarray, "28"]
    splits: Int64[np.ndarray, "u 8 8 2"]

    @classmethod
    def of(cls, info: InformationSet) -> "Worlds":
        """Count the worlds. RecordError, naming the first play that leaves none, when there is none."""
        worlds = cls.counted(info)
        if worlds.count == 0:
            raise _impossible(info)
        return worlds

    @classmethod
    def counted(cls, info: InformationSet) -> "Worlds":
        """The same, without an error when there is none."""
        record, unseen = info.record, info.unseen
        barred = [record.barred(seat) for seat in info.others]
        may_hold = np.array([[not mask >> d & 1 for mask in barred] for d in unseen], dtype=np.bool_).reshape(-1, 3)
        splits, total = count_ways(may_hold)
        owner = np.full(len(DOMINOES), _UNSEEN, np.int8)
        owner[list(info.hand)] = info.seat
        owner[list(record.plays)] = record.seats
        first, second, _ = info.needs()
        return cls(info, int(total[first, second]), owner, splits)

    def deals(self, ranks: Int64[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 28"]:
        """The worlds of these ranks (0 .. count - 1) as deals: the four dealt hands, every hand sorted."""
        needs = np.array(self.info.needs(), np.int64)
        others = np.array(self.info.others, np.int64)
        return unrank(np.ascontiguousarray(ranks, np.int64), self.splits, self.owner, others, needs)

    def draw(self, n: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n 28"]:
        """`n` worlds drawn uniformly and independently, with replacement."""
        return self.deals(rng.integers(0, self.count, size=n, dtype=np.int64))

    def enumerate(self, limit: int) -> UInt8[np.ndarray, "n 28"]:
        """All worlds in the order of their ranks. InputError when there are more than `limit`."""
        return self.deals(np.arange(self.at_most(limit), dtype=np.int64))

    def at_most(self, limit: int) -> int:
        """The count; InputError when it is more than `limit`."""
        if self.count > limit:
            raise InputError.of(
                got=f"{self.count:,} worlds to enumerate",
                expected=f"at most {limit:,}",
                remedy="draw a sample instead, or ask later in the deal",
            )
        return self.count


def _impossible(info: InformationSet) -> RecordError:
    """The error that names the first play after which no deal is left; deals only ever drop out as plays are added."""
    record = info.record
    prefixes = range(1, len(record.plays) + 1)
    first = next(n_plays for n_plays in prefixes if Worlds.counted(info.before(n_plays)).count == 0)
    return RecordError.of(
        got=record.play_name(first - 1),
        expected="a play that leaves at least one way to deal the unseen dominoes",
        remedy=f"correct it or an earlier one: with seat {info.seat}'s hand and the voids nobody is left to hold "
        "some unseen domino",
    )


@kernel
def count_ways(may_hold: Bool[np.ndarray, "u 3"]) -> tuple[Int64[np.ndarray, "u 8 8 2"], Int64[np.ndarray, "8 8"]]:
    """The splits, and int64[8, 8]: the ways to deal all the unseen dominoes for every pair of needs."""
    n = may_hold.shape[0]
    splits = np.zeros((n, 8, 8, 2), np.int64)
    ways = np.zeros((8, 8), np.int64)
    ways[0, 0] = 1
    for i in range(n - 1, -1, -1):
        before = np.zeros((8, 8), np.int64)
        for a in range(8):
            for b in range(8):
                to_first = ways[a - 1, b] if a > 0 and may_hold[i, 0] else 0
                to_second = ways[a, b - 1] if b > 0 and may_hold[i, 1] else 0
                splits[i, a, b, 0] = to_first
                splits[i, a, b, 1] = to_first + to_second
                before[a, b] = to_first + to_second + (ways[a, b] if may_hold[i, 2] else 0)
        ways = before
    return splits, ways


@kernel
def unrank(
    ranks: Int64[np.ndarray, "n"],
    splits: Int64[np.ndarray, "u 8 8 2"],
    owner: Int8[np.ndarray, "28"],
    others: Int64[np.ndarray, "3"],
    needs: Int64[np.ndarray, "3"],
) -> UInt8[np.ndarray, "n 28"]:
    """The deals uint8[n, 28] of the ranks. Dominoes in ascending order, so every hand comes out sorted."""
    deals = np.empty((ranks.shape[0], 28), np.uint8)
    filled = np.empty(4, np.int64)
    for w in range(ranks.shape[0]):
        rank, i, a, b = ranks[w], 0, needs[0], needs[1]
        for seat in range(4):
            filled[seat] = 7 * seat
        for domino in range(28):
            seat = owner[domino]
            if seat < 0:
                to_first, to_second = splits[i, a, b, 0], splits[i, a, b, 1]
                i += 1
                past_first, past_second = rank >= to_first, rank >= to_second
                # no branches: which seat it is cannot be predicted
                rank -= to_second if past_second else (to_first if past_first else 0)
                a -= not past_first
                b -= past_first and not past_second
                seat = others[int(past_first) + int(past_second)]
            deals[w, filled[seat]] = domino
            filled[seat] += 1
    return deals
