import json

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.expected_q.advise import advise
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings
from forge_core.rules import deal_from_seed
from forge_core.solver.search import search_q

ORACLE = ExactOracle(search_q, "1")


def test_advice_for_a_late_decision_is_exact(late_position):
    info, position = late_position(4, 12)
    advice = advise(info, ORACLE, EqSettings(bid=30))
    assert advice.exact
    assert advice.used == advice.worlds
    assert {play.domino for play in advice.plays} == set(info.legal_dominoes())
    means = [play.mean for play in advice.plays]
    assert means == sorted(means, reverse=True)
    assert all(play.sem == 0 for play in advice.plays)
    assert position.mover == info.seat


def test_the_json_of_an_opening():
    info = InformationSet.of(Record.of(0, 0, ()), 0, deal_from_seed(0).hands[0])
    advice = advise(info, ORACLE, EqSettings(n_worlds=10))
    content = json.loads(json.dumps(advice.as_json(), allow_nan=False))
    assert (content["worlds"], content["used"], content["exact"]) == (399_072_960, 10, False)
    assert len(content["plays"]) == 7
    assert set(content["plays"][0]) == {"domino", "mean", "variance", "sem", "p_make", "best_share"}
    assert content["plays"][0]["p_make"] is None
    np.testing.assert_allclose(sum(play["best_share"] for play in content["plays"]) >= 1, True)
    assert advice == advise(info, ORACLE, EqSettings(n_worlds=10))
    assert advice != advise(info, ORACLE, EqSettings(n_worlds=10), seed=1)


def test_all_worlds_where_there_are_too_many():
    info = InformationSet.of(Record.of(0, 0, ()), 0, deal_from_seed(0).hands[0])
    with pytest.raises(InputError, match="399,072,960 worlds"):
        advise(info, ORACLE, EqSettings(), every_world=True)
