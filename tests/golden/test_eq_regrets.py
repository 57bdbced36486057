"""Regrets of E[Q] that another program computed over all worlds, as fractions: every one has to agree exactly."""

import json
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forge_core.expected_q.decision import run_coroutine, value_plays
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings
from forge_core.rules import domino_name, parse_domino
from forge_core.solver.search import search_q

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("eq_regrets.json").read_text())["decisions"]
FEW = 10_000
"""Worlds that take no more than seconds."""


def _marked(case: dict[str, Any]) -> Any:
    name = f"{case['worlds']}-{case['chosen']}"
    return pytest.param(case, id=name, marks=[pytest.mark.slow] if case["worlds"] > FEW else [])


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_regrets_over_all_worlds(case: dict[str, Any]) -> None:
    record = Record.of(case["declaration"], case["leader"], [parse_domino(name) for name in case["plays"]])
    info = InformationSet.of(record, case["seat"], [parse_domino(name) for name in case["hand"]])
    settings = EqSettings(enumerate_up_to=1_000_000)
    valuation = run_coroutine(value_plays(info, settings, np.random.default_rng()), ExactOracle(partial(search_q), "1"))
    assert valuation.exact
    assert valuation.n_worlds == case["worlds"]
    points = {
        domino_name(domino): Fraction(round(float(mean) * case["worlds"]), case["worlds"])
        for domino, mean in zip(info.original_hand, valuation.estimate.mean, strict=True)
        if not np.isnan(mean)
    }
    chosen = points[case["chosen"]]
    assert max(points.values()) - chosen == Fraction(case["regret"])
    assert {name for name, value in points.items() if value > chosen} == set(case["better"])
