"""Who holds each hidden domino: the network's belief, made consistent with the voids and the sizes of the hands."""

from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from forge_core.errors import RecordError
from forge_core.players.decisions import Decisions
from forge_core.seat.encode import CANONICAL, MAY_HOLD, N_DOMINOES, N_PLANES, UNSEEN, encode
from forge_core.solver.jit import kernel


def holders(decisions: Decisions, logits: Float32[np.ndarray, "n 28 3"]) -> Float64[np.ndarray, "n 28 3"]:
    """The chance that relative seat 1, 2, 3 holds each domino (by its id); 0 for those that are not hidden.

    A world's weight is the product of the weights (exp of the logit) of its holders; the chances are the sums over all
    worlds that fit the voids and the sizes of the hands, counted exactly. With equal logits they are shares of worlds.

    Args:
        decisions: what the movers know.
        logits: by canonical domino, as `SeatModel.belief` gives them.

    Raises:
        RecordError: a decision that leaves no way to deal the hidden dominoes.
    """
    planes = encode(decisions).inputs[:, : N_DOMINOES * N_PLANES].reshape(-1, N_DOMINOES, N_PLANES)
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=2, keepdims=True)) * (planes[:, :, MAY_HOLD] == 1)
    others = (decisions.seats[:, None].astype(np.int64) + np.arange(1, 4)) & 3
    played = np.array([(decisions.players == seat).sum(axis=1) for seat in range(4)]).T
    needs = 7 - played[np.arange(len(decisions))[:, None], others]
    canonical = np.empty_like(weights)
    for i in range(len(decisions)):
        hidden = np.flatnonzero(planes[i, :, UNSEEN] == 1)
        chances, total = _marginals(weights[i, hidden], needs[i])
        if total <= 0:
            raise RecordError.of(
                got=f"decision {i}, whose record leaves no way to deal the hidden dominoes",
                expected="at least one world",
                remedy="correct the plays or the hand",
            )
        canonical[i] = 0
        canonical[i, hidden] = chances
    return canonical[np.arange(len(decisions))[:, None], CANONICAL[decisions.declarations]]


@kernel
def _marginals(weights: Float64[np.ndarray, "u 3"], needs: Int64[np.ndarray, "3"]) -> Any:
    """Forwards and backwards over the dominoes, by how many the first two seats have got so far."""
    n = len(weights)
    before = np.zeros((n + 1, 8, 8))
    after = np.zeros((n + 1, 8, 8))
    before[0, 0, 0] = 1
    after[n, needs[0], needs[1]] = 1
    for u in range(n):
        for a in range(min(u, needs[0]) + 1):
            for b in range(min(u - a, needs[1]) + 1):
                here = before[u, a, b]
                if here == 0:
                    continue
                if a < needs[0]:
                    before[u + 1, a + 1, b] += here * weights[u, 0]
                if b < needs[1]:
                    before[u + 1, a, b + 1] += here * weights[u, 1]
                if u - a - b < needs[2]:
                    before[u + 1, a, b] += here * weights[u, 2]
    for u in range(n - 1, -1, -1):
        for a in range(min(u, needs[0]) + 1):
            for b in range(min(u - a, needs[1]) + 1):
                total = 0.0
                if a < needs[0]:
                    total += weights[u, 0] * after[u + 1, a + 1, b]
                if b < needs[1]:
                    total += weights[u, 1] * after[u + 1, a, b + 1]
                if u - a - b < needs[2]:
                    total += weights[u, 2] * after[u + 1, a, b]
                after[u, a, b] = total
    chances = np.zeros((n, 3))
    total = before[n, needs[0], needs[1]]
    if total > 0:
        for u in range(n):
            for a in range(min(u, needs[0]) + 1):
                for b in range(min(u - a, needs[1]) + 1):
                    here = before[u, a, b] / total
                    if a < needs[0]:
                        chances[u, 0] += here * weights[u, 0] * after[u + 1, a + 1, b]
                    if b < needs[1]:
                        chances[u, 1] += here * weights[u, 1] * after[u + 1, a, b + 1]
                    if u - a - b < needs[2]:
                        chances[u, 2] += here * weights[u, 2] * after[u + 1, a, b]
    return chances, total
