"""The exact solver as the oracle of E[Q]."""

from functools import partial

from forge_core.expected_q.oracle import ExactOracle, Oracle


def exact_oracle(threads: int) -> Oracle:
    """The exact solver on so many threads."""
    from forge_core.solver import SOLVER_VERSION
    from forge_core.solver.search import search_q

    return ExactOracle(partial(search_q, threads=threads), SOLVER_VERSION)
