"""What goes into a seat network, against the rules and against what an information set says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forge_core.players.contracts import Contracts, Table
from forge_core.players.worlds import draw_worlds
from forge_core.rules import Declaration
from forge_core.rules.declaration import led_suit, rank
from forge_core.rules.tables import FOLLOWS
from forge_core.seat.encode import BIDDING, CANONICAL, LEFT, N_DOMINOES, N_PLANES, NEEDED, encode
from forge_core.seat.model import AskedInRows
from tests.unit.seat.conftest import decisions_at, some_contracts


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 27))
def test_planes_say_what_the_information_set_says(seed: int, ply: int) -> None:
    decisions = decisions_at(some_contracts(3, start=seed), ply)
    found = encode(decisions)
    for row in range(3):
        info, d = decisions.information_set(row), int(decisions.declarations[row])
        planes = found.inputs[row, : N_DOMINOES * N_PLANES].reshape(N_DOMINOES, N_PLANES)[CANONICAL[d]]
        ids = lambda plane: tuple(np.flatnonzero(planes[:, plane] == 1))  # noqa: B023, E731
        assert ids(0) == info.hand
        assert ids(10) == info.legal_dominoes()
        assert ids(12) == info.unseen
        for other in range(1, 4):
            voids = decisions.voids[row, (info.seat + other) % 4]
            barred = [s for s in range(8) if voids >> s & 1]
            may = tuple(e for e in info.unseen if not any(FOLLOWS[d][s][e] for s in barred))
            assert ids(12 + other) == may
        for relative in range(4):
            seat = (info.seat + relative) % 4
            played = [e for e, by in zip(info.record.plays, info.record.seats, strict=True) if by == seat]
            assert ids(1 + relative) == tuple(sorted(played))
        assert [int(x) for x in found.slots[row]] == [int(CANONICAL[d, e]) for e in info.original_hand]
        assert np.flatnonzero(found.legal[row]).tolist() == list(info.legal_slots())
        assert found.inputs[row, NEEDED].argmax() == max(0, decisions.needed()[row])
        assert round(float(found.inputs[row, LEFT]) * 42) == decisions.points_left()[row]
        assert found.inputs[row, BIDDING] == decisions.bidding()[row]


def test_the_seven_pip_declarations_are_one_game() -> None:
    for trump in range(7):
        places = CANONICAL[trump]
        assert sorted(places) == list(range(28))
        for lead in range(28):
            suit, as_sixes = led_suit(lead, trump), led_suit(int(places[lead]), Declaration.SIXES)
            order = sorted(range(28), key=lambda e: rank(e, suit, trump))
            winners = [int(places[e]) for e in order if rank(e, suit, trump) > 0]
            canonical = sorted(range(28), key=lambda e: rank(e, as_sixes, Declaration.SIXES))
            assert winners == [e for e in canonical if rank(e, as_sixes, Declaration.SIXES) > 0]


def test_nothing_of_the_hidden_hands_gets_in(model: AskedInRows) -> None:
    for ply in (0, 5, 11, 18):
        decisions = decisions_at(some_contracts(4, start=ply), ply)
        worlds = draw_worlds(decisions, decisions.keys, 6, 0)
        of_worlds = decisions.of(worlds.row)
        contracts = Contracts(
            worlds.deals,
            of_worlds.declarations,
            of_worlds.bidders,
            of_worlds.bids,
            np.zeros(len(of_worlds), np.int64),
        )
        seen = Table.at(contracts, of_worlds).decisions(np.arange(len(of_worlds)), ply)
        assert (encode(seen).inputs == encode(of_worlds).inputs).all()
        assert (model.chances(seen) == model.chances(decisions)[worlds.row]).all()
