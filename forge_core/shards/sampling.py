"""Which states of a solved deal a shard keeps, and the random key that decides it."""

import hashlib

import numpy as np
from jaxtyping import Int64

from forge_core.shards.played import played_states
from forge_core.shards.request import DealRequest
from forge_core.shards.schema import Sampling
from forge_core.shards.settings import ShardSettings
from forge_core.shards.strategy import Strategy, parse_mixture
from forge_core.solver.solved import SolvedDeal


def sampling_of(request: DealRequest, settings: ShardSettings) -> Sampling:
    """How the states of a deal are to be chosen; the key depends on seeds, declaration and strategy alone."""
    opponent_seed = -1 if request.opponent_seed is None else request.opponent_seed
    purpose = f"sample states: {request.seed}, {opponent_seed}, {request.declaration}, {settings.strategy}"
    return Sampling(
        strategy=settings.strategy,
        epsilon=settings.epsilon if Strategy.PLAYED in parse_mixture(settings.strategy) else None,
        states_per_deal=settings.states_per_deal,
        key=hashlib.sha256(purpose.encode()).hexdigest()[:32],
    )


def sample_states(table: SolvedDeal, sampling: Sampling) -> Int64[np.ndarray, "m"]:
    """At most `states_per_deal` different states that are not final, ascending.

    The strategies of a mixture draw their shares on their own, so that a state which several of them draw counts once.
    """
    rng = np.random.Generator(np.random.Philox(key=int(sampling.key, 16)))
    weights = parse_mixture(sampling.strategy)
    ends = np.cumsum([0.0, *weights.values()]) / sum(weights.values()) * sampling.states_per_deal
    shares = np.diff(np.rint(ends).astype(int))
    drawn = [
        _draw(table, strategy, n=int(share), rng=rng, epsilon=sampling.epsilon or 0.0)
        for strategy, share in zip(weights, shares, strict=True)
    ]
    return np.unique(np.concatenate(drawn))


def _draw(
    table: SolvedDeal, strategy: Strategy, *, n: int, rng: np.random.Generator, epsilon: float
) -> Int64[np.ndarray, "m"]:
    if strategy is Strategy.PLAYED:
        return played_states(table, n, rng, epsilon=epsilon)
    if strategy is Strategy.BY_DEPTH:
        return _by_depth(table, n, rng=rng)
    return table.sample(n, rng)


def _by_depth(table: SolvedDeal, n: int, *, rng: np.random.Generator) -> Int64[np.ndarray, "m"]:
    there = table.states_by_plays_left[:0:-1]  # 28 plays left first, the final states left out
    starts = np.cumsum(there) - there
    quotas = equal_shares(there, n)
    ranks = [
        start + np.sort(rng.choice(size, size=quota, replace=False, shuffle=False))
        for start, size, quota in zip(starts, there, quotas, strict=True)
    ]
    return table.states(np.concatenate(ranks))


def equal_shares(there: Int64[np.ndarray, "k"], n: int) -> Int64[np.ndarray, "k"]:
    """How many to take of each of k kinds so that all give the same, or all they have, and `n` come together.

    What does not divide evenly goes to the last kinds that have more.
    """
    quotas = np.zeros_like(there)
    while (left := n - int(quotas.sum())) > 0 and (open_kinds := np.flatnonzero(quotas < there)).size:
        each = left // open_kinds.size
        if each:
            quotas[open_kinds] = np.minimum(quotas[open_kinds] + each, there[open_kinds])
        else:
            quotas[open_kinds[-left:]] += 1
    return quotas
