import numpy as np

from forge_core.expected_q.games import play_games
from forge_core.expected_q.oracle import ExactOracle, FixedBatches, HybridOracle
from forge_core.expected_q.schema import COLUMNS
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.states import states_before
from forge_core.expected_q.worlds import Worlds
from forge_core.rules.deal import deal_from_seed
from forge_core.solver import state
from forge_core.solver.search import search_q
from forge_core.solver.value_table import solve


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


def test_fixed_batches_ask_the_same_number_of_rows_and_answer_each(late_position):
    asked: list[int] = []

    def search(deals: np.ndarray, declarations: np.ndarray, states: np.ndarray) -> np.ndarray:
        asked.append(len(states))
        return search_q(deals, declarations, states)

    info, _ = late_position(3, 11)
    plain = ExactOracle(search_q, "1")
    fixed = FixedBatches(ExactOracle(search, "1"), rows=8)
    assert (fixed.name, fixed.digest) == (plain.name, plain.digest)
    for n in (1, 8, 21):
        deals = Worlds.of(info).draw(n, np.random.default_rng(n))
        declarations = np.full(n, info.record.declaration, np.uint8)
        states = states_before(deals, info.record)
        np.testing.assert_array_equal(fixed.q(deals, declarations, states), plain.q(deals, declarations, states))
    assert asked == [8] * 5


def test_games_by_a_network_are_the_same_in_every_batch():
    """A matrix product rounds differently in another shape; through fixed batches nobody notices."""
    weights = np.random.default_rng(0).normal(size=(28, 7)).astype(np.float32)

    class Linear:
        name = "linear"
        digest = "linear"

        def q(self, deals: np.ndarray, declarations: np.ndarray, states: np.ndarray) -> np.ndarray:
            legal = search_q(deals, declarations, states) != state.ILLEGAL
            return np.where(legal, deals.astype(np.float32) @ weights, np.float32(np.nan))

    settings = EqSettings(n_worlds=3, enumerate_up_to=3)
    games = [
        {
            game.seed: game
            for game in play_games([1, 2, 3], FixedBatches(Linear(), rows=16), settings, lockstep=lockstep)
        }
        for lockstep in (1, 3)
    ]
    for seed in (1, 2, 3):
        for name in COLUMNS:
            np.testing.assert_array_equal(games[0][seed].columns[name], games[1][seed].columns[name])


def test_the_hybrid_asks_the_exact_search_late_and_the_other_one_early() -> None:
    class Constant:
        name, digest = "constant", "c"

        def q(self, deals: np.ndarray, declarations: np.ndarray, states: np.ndarray) -> np.ndarray:
            return np.full((len(states), 7), 3, np.float32)

    table = solve(deal_from_seed(5), 5)
    states = table.states(np.arange(0, int(table.states_by_plays_left[1:].sum()), 50_001))
    deals = np.tile(np.array(table.deal.dominoes, np.uint8), (len(states), 1))
    declarations = np.full(len(states), 5, np.uint8)
    exact = ExactOracle(search_q, "1")
    hybrid = HybridOracle(Constant(), exact, plays_left=8)
    found = hybrid.q(deals, declarations, states)
    late = state.fields(states).plays_left <= 8
    assert 0 < late.sum() < len(states)
    np.testing.assert_array_equal(found[late], exact.q(deals[late], declarations[late], states[late]))
    assert (found[~late] == 3).all()
    assert hybrid.digest != HybridOracle(Constant(), exact, plays_left=4).digest
