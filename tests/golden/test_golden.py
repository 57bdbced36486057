"""Exact values computed elsewhere: every one of them has to agree."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forge_core.rules import deal_from_seed
from forge_core.solver.search import search_q
from forge_core.solver.state import OPENING
from forge_core.solver.value_table import solve

HERE = Path(__file__).parent
OPENINGS: list[dict[str, Any]] = json.loads((HERE / "opening_values.json").read_text())["cases"]
STATES: list[dict[str, Any]] = json.loads((HERE / "state_values.json").read_text())["cases"]


def test_opening_values_by_table() -> None:
    def opening(case: dict[str, Any]) -> tuple[int, list[int]]:
        table = solve(deal_from_seed(case["seed"]), case["declaration"])
        return table.opening_value, table.q(np.array([OPENING]))[0].tolist()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(opening, OPENINGS))
    assert answers == [(case["value"], case["q"]) for case in OPENINGS]


def test_opening_values_by_search() -> None:
    q = search_q(
        np.array([deal_from_seed(case["seed"]).dominoes for case in OPENINGS], dtype=np.uint8),
        np.array([case["declaration"] for case in OPENINGS], dtype=np.uint8),
        np.full(len(OPENINGS), OPENING),
    )
    assert q.tolist() == [case["q"] for case in OPENINGS]


@pytest.mark.parametrize("case", STATES, ids=lambda case: f"seed-{case['seed']}")
def test_sampled_states(case: dict[str, Any]) -> None:
    deal = deal_from_seed(case["seed"])
    table = solve(deal, case["declaration"])
    states, values, q = (np.array(column) for column in zip(*case["states"], strict=True))
    assert table.reachable_states == case["reachable_states"]
    assert table.opening_value == case["opening_value"]
    assert (table.value(states) == values).all()
    assert (table.q(states) == q).all()
    dealt = np.tile(np.array(deal.dominoes, dtype=np.uint8), (len(states), 1))
    assert (search_q(dealt, np.full(len(states), case["declaration"]), states) == q).all()
