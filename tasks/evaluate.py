"""Measure a model on a split."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from forge_core.artifacts.reference import Reference
from forge_core.shards.split import Split
from tasks.stage import artifact, source, stage_task, store

if TYPE_CHECKING:
    from forge_core.learn.metrics import Summary

COMPARISON = "comparison.json"


@stage_task(name="evaluate")
def evaluate(model: Reference | Path, tokens: Reference | Path, split: Split) -> Reference:
    """The metrics of a model on a split, beside random play and the untrained network, as `comparison.json`."""
    network, data = source(model), source(tokens)

    def make(folder: Path) -> None:
        from forge_core.learn.evaluate import compare
        from forge_core.learn.inference import load
        from forge_core.learn.model_folder import not_a_model
        from forge_core.tokens.dataset import load_split

        loaded = load(network.path)
        if (config := loaded.config) is None:
            raise not_a_model(network.path, "it carries no config")
        arrays = load_split(data.path, split)
        comparison = compare(loaded, config.architecture, arrays, seed=config.settings.seed)
        (folder / COMPARISON).write_text(comparison.model_dump_json(indent=1))

    return artifact(
        "evaluate",
        make,
        kind="evaluation",
        code=["forge_core.learn.evaluate", "forge_core.learn.inference"],
        settings={"split": split},
        inputs=[network.digest, data.digest],
    )


def read_summaries(evaluation: Reference) -> "dict[str, Summary]":
    """What an evaluation found over the whole split, for "model", "random_play" and "untrained"."""
    from forge_core.learn.metrics import Summary

    comparison = json.loads((store().path(evaluation) / COMPARISON).read_bytes())
    return {name: Summary.model_validate(metrics["overall"]) for name, metrics in comparison.items()}
