"""Advice from what a seat knows, without a deal."""

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.players.decisions import decisions_of
from forge_core.seat.advise import seat_advice
from forge_core.seat.model import AskedInRows
from forge_core.seat.player import RolloutPlayer, RolloutSettings
from tests.unit.seat.conftest import decisions_at, some_contracts


def test_an_information_set_is_the_decision_that_it_came_from() -> None:
    for ply in (0, 6, 13, 22):
        decisions = decisions_at(some_contracts(4), ply)
        for row in range(4):
            info = decisions.information_set(row)
            again = decisions_of([info], 30)
            for name in ("declarations", "bids", "bidders", "seats", "hands", "plays", "players", "leaders", "won"):
                assert (getattr(again, name)[0] == getattr(decisions, name)[row]).all(), name
            assert (again.voids[0] & 255 == decisions.voids[row]).all()


def test_advice_is_ordered_and_final_points_are_chances(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(3), 9)
    rollout = RolloutPlayer(model, RolloutSettings(worlds=10), "rollout", 1)
    for row in decisions.free():
        info = decisions.information_set(int(row))
        for oracle in (model, rollout):
            advice = seat_advice(info, oracle, bid=31)
            assert {play.domino for play in advice.plays} == set(info.legal_dominoes())
            for play in advice.plays:
                assert play.final.sum() == pytest.approx(1, abs=1e-5)
                assert play.final[31:].sum() == pytest.approx(play.p_make, abs=1e-5)
            ours = (info.seat - info.record.first_leader) % 2 == 0
            best = [play.p_make if ours else -play.p_make for play in advice.plays]
            assert best[0] >= max(best) - 0.05
            assert np.allclose(advice.holders.sum(axis=0), info.needs())
            assert len(advice.as_json()["holders"]) == len(info.unseen)  # type: ignore[arg-type]


def test_a_bid_that_is_none_is_refused() -> None:
    info = InformationSet.of(Record.of(6, 0, []), 0, range(7))
    for bid in (0, 29, 43):
        with pytest.raises(InputError, match="30 to 42"):
            decisions_of([info], bid)
