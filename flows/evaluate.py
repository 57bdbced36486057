"""Measure a model."""

from collections.abc import Mapping
from pathlib import Path

from prefect import flow

from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.learn.evaluation_settings import DEFAULT, EvaluationSettings
from tasks.evaluate import Evaluated, evaluate_beside_champion, states_of
from tasks.evaluation_report import report_evaluation

GIVEN = "given"
"""What states that were not made for the evaluation are called."""


@flow(name="evaluate")
def evaluate(
    model: forms.Model,
    settings: forms.Settings[EvaluationSettings] = DEFAULT,
    tokens: forms.States = None,
) -> Evaluated:
    """Measure a model beside the champion, highest-rank play and random play, on states that no network learns from.

    model     an object of the store, a model folder or an .onnx file
    settings  the split, and how many states are made by which strategies
    tokens    an object of the store, or a token folder, to measure on instead
    """
    states: Mapping[str, Reference | Path] = states_of(settings) if tokens is None else {GIVEN: tokens}
    evaluated = evaluate_beside_champion(model, states, settings.split)
    report_evaluation(evaluated)
    return evaluated
