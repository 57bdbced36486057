"""The stage `evaluate`: measure a model beside simple players."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from forge_core.shards.split import Split
from tasks.stage import Context, Details, Machine, Stage

EVALUATION = "evaluation.json"
PLOTS = REGRET, CALIBRATION = "regret.png", "calibration.png"


class EvaluateSettings(BaseModel):
    """Which samples a model is measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split = Field(description="The split of the training arrays.")
    name: str = Field(default="states", description="What the states are called in plots and progress bars.")


def run(context: Context, folder: Path, settings: EvaluateSettings, inputs: Sequence[Path]) -> Details:
    """Write `evaluation.json` and two plots. The inputs are a model and training arrays."""
    from forge_core.learn.evaluation import evaluate_beside
    from forge_core.learn.model import fastest_device, load
    from forge_core.learn.plots import draw_calibration, draw_regret
    from forge_core.tokens.arrays import load_split

    network, tokens = inputs
    arrays = load_split(tokens, settings.split, memory_map=True)
    device = fastest_device()
    bar = context.progress(f"evaluating, {settings.name}", len(arrays), "{states:,.0f} states/s")
    with context.hold_gpu() if device == "cuda" else nullcontext(), bar as advance:
        loaded = load(network, device=device)
        evaluation = evaluate_beside(loaded, arrays, lambda samples: advance(samples, states=samples))
    title = f"{settings.name} states of {settings.split}: {len(arrays):,} of {evaluation.model.deals:,} deals"
    draw_regret(folder / REGRET, evaluation.players, title)
    draw_calibration(folder / CALIBRATION, evaluation, title)
    (folder / EVALUATION).write_text(evaluation.model_dump_json(indent=1))
    return {}


STAGE = Stage(
    name="evaluate",
    settings=EvaluateSettings,
    kind="evaluation",
    run=run,
    machine=Machine(cores=4, memory=16),
)
