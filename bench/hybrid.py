"""What the solver adds to the champion late in a deal: `python bench/hybrid.py [--quick] [--json]`.

Uniform states of test deals. For the champion alone, for the hybrid with 8, 12 and 16 plays left, and for the solver:
q_gap_...            regret of the play that the oracle values highest, mean over states in points
microseconds_...     wall time a state, in calls of 2,000 states
openings_...         opening leads of test deals: the champion's q_gap and q_mae, the standard deviation of V
                     over deals, and milliseconds in which the search answers one exactly
"""

import time

import numpy as np
from report import options, publish

from flows.oracle import oracle_named
from forge_core.expected_q.oracle import HybridOracle, Oracle
from forge_core.rules import deal_from_seed
from forge_core.shards.split import Split, split_of
from forge_core.solver.state import ILLEGAL, OPENING, fields
from forge_core.solver.value_table import solve

STATES = 2000  # of a deal


def measure(*, deals: int) -> dict[str, object]:
    champion, exact = oracle_named("champion"), oracle_named()
    oracles: dict[str, Oracle] = {"champion": champion}
    oracles |= {f"hybrid_{left}": HybridOracle(champion, exact, left) for left in (8, 12, 16)} | {"exact": exact}
    seeds = [seed for seed in range(10_000) if split_of(seed) is Split.TEST][:deals]
    regret: dict[str, list[float]] = {name: [] for name in oracles}
    seconds = dict.fromkeys(oracles, 0.0)
    for seed in seeds:
        table = solve(deal_from_seed(seed), seed % 10)
        states = table.sample(STATES, np.random.default_rng(seed))
        hands = np.tile(np.array(table.deal.dominoes, np.uint8), (STATES, 1))
        asked = hands, np.full(STATES, seed % 10, np.uint8), states
        q = table.q(states)
        own = np.where(q == ILLEGAL, np.nan, np.where(fields(states).mover[:, None] % 2 == 0, q, -q.astype(float)))
        for name, oracle in oracles.items():
            start = time.perf_counter()
            answer = oracle.q(*asked)
            seconds[name] += time.perf_counter() - start
            chosen = np.take_along_axis(own, np.nanargmax(answer, axis=1)[:, None], axis=1)[:, 0]
            regret[name].append(float(np.mean(np.nanmax(own, axis=1) - chosen)))
    n = len(seeds) * STATES
    return {
        **{f"q_gap_{name}": round(float(np.mean(of_deals)), 4) for name, of_deals in regret.items()},
        **{f"q_gap_{name}_95": round(float(1.96 * np.std(r, ddof=1) / len(r) ** 0.5), 4) for name, r in regret.items()},
        **{f"microseconds_{name}": round(1e6 * spent / n, 1) for name, spent in seconds.items()},
        "deals": len(seeds),
        "states": n,
    }


def openings(*, deals: int) -> dict[str, object]:
    seeds = [seed for seed in range(deals * 25) if split_of(seed) is Split.TEST][:deals]
    hands = np.array([deal_from_seed(seed).dominoes for seed in seeds], np.uint8)
    asked = hands, np.array(seeds) % 10, np.full(len(seeds), OPENING)
    start = time.perf_counter()
    exact = oracle_named().q(*asked)
    spent = time.perf_counter() - start
    answer = oracle_named("champion").q(*asked)
    regret = exact.max(axis=1) - exact[np.arange(len(exact)), answer.argmax(axis=1)]
    return {
        "openings_q_gap": round(float(regret.mean()), 3),
        "openings_q_gap_95": round(float(1.96 * regret.std(ddof=1) / len(regret) ** 0.5), 3),
        "openings_q_mae": round(float(np.abs(answer - exact).mean()), 2),
        "openings_v_deviation": round(float(exact.max(axis=1).std()), 1),
        "openings_search_ms": round(1e3 * spent / len(seeds), 2),
    }


def main() -> None:
    asked = options(__doc__)
    figures = measure(deals=5 if asked.quick else 100) | openings(deals=100 if asked.quick else 1500)
    publish("hybrid", figures, asked)


if __name__ == "__main__":
    main()
