"""Hands that take every trick under their declaration, whatever the others hold, from an independent program."""

import json
from pathlib import Path

import numpy as np

from forge_core.bids.histogram import p_make
from forge_core.bids.open_hands import draw_worlds, open_histograms
from forge_core.rules import BIDS, parse_hand
from forge_core.solver.search import search_opening_values

LAY_DOWNS = json.loads((Path(__file__).parent / "lay_downs.json").read_text())["hands"]


def test_the_solver_takes_every_trick_with_them() -> None:
    hands = [(parse_hand(",".join(case["hand"])), case["declaration"]) for case in LAY_DOWNS]
    deals = np.concatenate([draw_worlds(hand, 20, seed=number) for number, (hand, _) in enumerate(hands)])
    declarations = np.repeat(np.array([declaration for _, declaration in hands], np.uint8), 20)
    assert len(hands) == 264
    assert (search_opening_values(deals, declarations) == 42).all()


def test_they_make_42_and_two_marks_for_certain() -> None:
    for case in LAY_DOWNS[::24]:
        counts = open_histograms(parse_hand(",".join(case["hand"])), [case["declaration"]], 50)[0]
        assert [p_make(counts, bid).p for bid in BIDS] == [1.0] * len(BIDS)
