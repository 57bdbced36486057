"""Measure a model."""

from pathlib import Path

from prefect import flow

from forge_core.artifacts.reference import Reference
from forge_core.shards.split import Split
from tasks.dataset import tokens_of
from tasks.evaluate import evaluate as evaluate_model
from tasks.report import report_evaluation


@flow(name="evaluate")
def evaluate(model: Reference | Path, tokens: Reference | Path | None = None, split: Split = Split.TEST) -> Reference:
    """Measure a model on a split, beside random play and the untrained network.

    model   an object of the store, a model folder or an .onnx file
    tokens  an object of the store, or a token folder; none = those that the model learned from, if the store
            has them
    split   val to choose by, test to report
    """
    evaluation = evaluate_model(model, tokens or tokens_of(model), split)
    report_evaluation(evaluation)
    return evaluation
