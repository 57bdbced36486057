import random

import numpy as np

from forge_core.rules import deal_from_seed, opening
from forge_core.shards.plays import legal_slots, play
from forge_core.solver import state
from forge_core.solver.deal_rules import deal_rules


def test_plays_on_states_are_plays_on_positions() -> None:
    stream = random.Random(7)
    for seed in range(30):
        deal, declaration = deal_from_seed(seed), seed % 10
        rules = deal_rules(deal, declaration)
        position = opening(deal, declaration)
        for _ in range(28):
            here = np.array([state.pack(position)])
            assert tuple(np.flatnonzero(legal_slots(rules, here)[0])) == position.legal_slots()
            slot = stream.choice(position.legal_slots())
            after = position.play(slot)
            played = play(rules, here, np.array([slot]))
            assert played.states[0] == state.pack(after)
            won = [after.won[team] - position.won[team] for team in (0, 1)]
            assert played.points[0] == won[0] - won[1]
            position = after
        assert not legal_slots(rules, np.array([state.pack(position)])).any()
