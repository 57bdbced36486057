"""The worlds of many decisions at once: all of them where they are few, else a uniform sample."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8, UInt64

from forge_core.errors import RecordError
from forge_core.expected_q.states import pack_worlds
from forge_core.expected_q.worlds import count_ways, unrank
from forge_core.players.decisions import Decisions
from forge_core.players.streams import unit
from forge_core.solver.jit import kernel
from forge_core.solver.rules_kernel import FOLLOWERS


@dataclass(frozen=True, slots=True)
class DrawnWorlds:
    """The worlds of n decisions, r in all, those of a decision side by side.

    deals    the worlds as deals
    states   the packed state of each before the decision
    row      the decision that each belongs to
    starts   where the worlds of a decision begin; n + 1 entries, the last one r
    counts   how many worlds the decision has
    """

    deals: UInt8[np.ndarray, "r 28"]
    states: Int64[np.ndarray, "r"]
    row: Int64[np.ndarray, "r"]
    starts: Int64[np.ndarray, "n+1"]
    counts: Int64[np.ndarray, "n"]

    def of(self, decision: int) -> slice:
        """The worlds of one decision."""
        return slice(int(self.starts[decision]), int(self.starts[decision + 1]))


def draw_worlds(
    decisions: Decisions, keys: UInt64[np.ndarray, "n"], n_worlds: int, enumerate_up_to: int
) -> DrawnWorlds:
    """`n_worlds` uniform worlds of each decision, or all of them where there are at most `enumerate_up_to`.

    RecordError when a decision has none.
    """
    d = decisions
    known = (d.declarations, d.seats, d.hands, d.plays, d.players, d.voids)
    counts = _count(*known)
    if len(counts) and counts.min() == 0:
        d.information_set(int(counts.argmin()))  # names the play that the hand refutes, where one does
        raise RecordError.of(
            got=f"decision {int(counts.argmin())}, whose record leaves no way to deal the unseen dominoes",
            expected="at least one world",
            remedy="correct the plays or the hand",
        )
    sampled = counts > enumerate_up_to
    used = np.where(sampled, n_worlds, counts)
    starts = np.concatenate([[0], np.cumsum(used)]).astype(np.int64)
    deals = np.empty((starts[-1], 28), np.uint8)
    states = np.empty(starts[-1], np.int64)
    _draw(*known, d.leaders, keys, sampled, starts, deals, states)
    return DrawnWorlds(deals, states, np.repeat(np.arange(len(d)), used), starts, counts)


def known_worlds(decisions: Decisions, deals: UInt8[np.ndarray, "n 28"]) -> DrawnWorlds:
    """One world for each decision: the deal as it is."""
    n = len(decisions)
    states = np.empty(n, np.int64)
    _pack(deals, decisions.plays, decisions.leaders, states)
    return DrawnWorlds(deals, states, np.arange(n), np.arange(n + 1), np.ones(n, np.int64))


@kernel
def _pack(deals: Any, plays: Any, leaders: Any, states: Any) -> None:
    for i in range(len(deals)):
        made = plays[i].astype(np.int64)
        states[i] = pack_worlds(deals[i : i + 1], made, len(made) & 3, leaders[i])[0]


@kernel
def _ways(declaration: Any, seat: Any, hand: Any, plays: Any, players: Any, voids: Any) -> Any:
    """What `unrank` needs, and the number of worlds: (count, splits, owner, others, needs)."""
    owner = np.full(28, -1, np.int8)
    needs, others, barred = np.full(3, 7, np.int64), np.empty(3, np.int64), np.zeros(3, np.int64)
    for other in range(3):
        others[other] = (seat + 1 + other) & 3
        for suit in range(8):
            if voids[others[other]] >> suit & 1:
                barred[other] |= FOLLOWERS[declaration, suit]
    for domino in range(28):
        if hand >> domino & 1:
            owner[domino] = seat
    for ply in range(len(plays)):
        owner[plays[ply]] = players[ply]
        if players[ply] != seat:
            needs[(players[ply] - seat - 1) & 3] -= 1
    may_hold = np.empty((needs.sum(), 3), np.bool_)
    u = 0
    for domino in range(28):
        if owner[domino] < 0:
            for other in range(3):
                may_hold[u, other] = not barred[other] >> domino & 1
            u += 1
    splits, total = count_ways(may_hold)
    return total[needs[0], needs[1]], splits, owner, others, needs


@kernel
def _count(declarations: Any, seats: Any, hands: Any, plays: Any, players: Any, voids: Any) -> Any:
    counts = np.empty(len(seats), np.int64)
    for i in range(len(seats)):
        counts[i] = _ways(declarations[i], seats[i], hands[i], plays[i], players[i], voids[i])[0]
    return counts


@kernel
def _draw(
    declarations: Any,
    seats: Any,
    hands: Any,
    plays: Any,
    players: Any,
    voids: Any,
    leaders: Any,
    keys: Any,
    sampled: Any,
    starts: Any,
    deals: Any,
    states: Any,
) -> None:
    for i in range(len(seats)):
        count, splits, owner, others, needs = _ways(declarations[i], seats[i], hands[i], plays[i], players[i], voids[i])
        first, last = starts[i], starts[i + 1]
        ranks = np.arange(last - first)
        if sampled[i]:
            for k in range(last - first):
                ranks[k] = min(np.int64(unit(keys[i], k) * count), count - 1)
        deals[first:last] = unrank(ranks, splits, owner, others, needs)
        made = plays[i].astype(np.int64)
        states[first:last] = pack_worlds(deals[first:last], made, len(made) & 3, leaders[i])
