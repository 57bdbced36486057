import numpy as np

from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.states import states_before
from forge_core.expected_q.worlds import Worlds
from forge_core.solver.search import search_q


def test_the_exact_oracle_speaks_in_the_movers_view(late_position, reference_oracle):
    oracle = ExactOracle(search_q, "1")
    movers = set()
    for seed in range(8):
        info, _ = late_position(seed, 9)
        movers.add(info.seat % 2)
        deals = Worlds.of(info).draw(5, np.random.default_rng(0))
        declarations = np.full(5, info.record.declaration, np.uint8)
        states = states_before(deals, info.record)
        q = oracle.q(deals, declarations, states)
        assert q.dtype == np.float32
        np.testing.assert_array_equal(q, reference_oracle.q(deals, declarations, states))
    assert movers == {0, 1}
