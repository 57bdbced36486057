"""Train a network."""

from pathlib import Path

from prefect import flow

from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings
from tasks.checkout import checkout
from tasks.report import report_model
from tasks.train import train as train_model


@flow(name="train")
def train(tokens: Reference | Path, settings: TrainSettings, output: Path | None = None) -> Reference:
    """Train a network on training arrays and keep the weights with the lowest q_gap on the val split.

    tokens    an object of the store, or a folder that the flow `tokenize` wrote
    settings  the network and how it learns
    output    a folder that gets the model, besides the store
    """
    model = train_model(tokens, settings)
    if output is not None:
        checkout([model], output)
    report_model(model)
    return model
