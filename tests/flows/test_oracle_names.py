"""The oracles by their names."""

import numpy as np

from flows.oracle import oracle_named
from forge_core.rules import deal_from_seed
from forge_core.solver.state import fields
from forge_core.solver.value_table import solve


def test_the_hybrid_is_the_champion_early_and_the_solver_late() -> None:
    table = solve(deal_from_seed(950), 3)
    states = table.sample(300, np.random.default_rng(0))
    asked = np.tile(np.array(table.deal.dominoes, np.uint8), (300, 1)), np.full(300, 3, np.uint8), states
    answers = oracle_named("hybrid").q(*asked)
    late = fields(states).plays_left <= 12
    assert 0 < late.sum() < 300
    np.testing.assert_array_equal(answers[late], oracle_named("exact").q(*asked)[late])
    np.testing.assert_allclose(answers[~late], oracle_named("champion").q(*asked)[~late], atol=1e-3)
    np.testing.assert_array_equal(answers, oracle_named("hybrid:champion").q(*asked))
