"""Measure a model beside simple players."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.learn.evaluation_settings import EvaluationSettings
from forge_core.shards.split import Split
from forge_core.tokens.settings import TokenSettings
from tasks.console import progress
from tasks.elsewhere import elsewhere
from tasks.generate import deal_blocks, generate_all
from tasks.limits import one_gpu
from tasks.models import catalog, kind_of, network_of
from tasks.stage import artifact, source, stage_task, store
from tasks.tokenize import tokenize

if TYPE_CHECKING:
    from forge_core.learn.evaluation import Evaluation

EVALUATION = "evaluation.json"
CODE = ("forge_core.learn.evaluation", "forge_core.learn.evaluation_plots")
PLOTS = REGRET, CALIBRATION = "regret.png", "calibration.png"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Evaluations by the name of the states that they are of.

    champion       of the catalog's champion on the same states; empty when there is none, or it is the model
    champion_name  its name
    """

    model: Mapping[str, Reference]
    champion: Mapping[str, Reference] = field(default_factory=dict[str, Reference])
    champion_name: str | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """All evaluations."""
        return (*self.model.values(), *self.champion.values())


def states_of(settings: EvaluationSettings) -> dict[str, Reference]:
    """The states that an evaluation looks at, as tokens by the name of their strategy: from the store, or made."""
    ranges = [SeedRange(start=seeds.start, count=len(seeds)) for seeds in _runs(settings.seeds())]
    found: dict[str, Reference] = {}
    for strategy in settings.strategies:
        shards = generate_all(deal_blocks(ranges), settings.shards(strategy))
        found[strategy.value] = tokenize(shards, TokenSettings())
    return found


def evaluate_beside_champion(
    model: Reference | Path, states: Mapping[str, Reference | Path], split: Split
) -> Evaluated:
    """Evaluate a model, and the champion of its kind unless that is the model, on the same states by their names."""
    champion = catalog().champions().get(kind_of(model))
    ours = {name: evaluate(model, tokens, split, name=name) for name, tokens in states.items()}
    if champion is None or network_of(catalog().root / champion).digest == network_of(model).digest:
        return Evaluated(ours)
    theirs = {name: evaluate(catalog().root / champion, tokens, split, name=name) for name, tokens in states.items()}
    return Evaluated(ours, theirs, champion)


def _runs(seeds: list[int]) -> list[range]:
    present = set(seeds)
    starts = [seed for seed in seeds if seed - 1 not in present]
    ends = [seed + 1 for seed in seeds if seed + 1 not in present]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]


@stage_task(name="evaluate")
def evaluate(model: Reference | Path, tokens: Reference | Path, split: Split, *, name: str = "states") -> Reference:
    """A model, highest-rank play and random play on one split of some tokens, as `evaluation.json` and two plots.

    name  what the states are called in the plots and on the progress bar
    """
    network, data = network_of(model), source(tokens)

    recipe: dict[str, Any] = {"code": CODE, "settings": {"split": split, "name": name}}

    def make(folder: Path) -> None:
        if elsewhere():
            from tasks.remote.single import make_there

            make_there("evaluate", folder, **recipe, inputs=[network, data])
            return
        from forge_core.learn.inference import fastest_device

        with one_gpu() if fastest_device() == "cuda" else nullcontext():
            measure(folder, network.path, data.path, split, name=name)

    return artifact("evaluate", make, kind="evaluation", **recipe, inputs=[network.digest, data.digest])


def measure(folder: Path, network: Path, tokens: Path, split: Split, *, name: str) -> None:
    """Write the files of an evaluation; see `evaluate`."""
    from forge_core.learn.evaluation import evaluate_beside
    from forge_core.learn.evaluation_plots import draw_calibration, draw_regret
    from forge_core.learn.inference import fastest_device, load
    from forge_core.tokens.arrays import load_split

    arrays = load_split(tokens, split, memory_map=True)
    loaded = load(network, device=fastest_device())
    with progress(f"evaluating, {name}", len(arrays), "{states:,.0f} states/s") as advance:
        evaluation = evaluate_beside(loaded, arrays, lambda samples: advance(samples, states=samples))
    title = f"{name} states of {split}: {len(arrays):,} of {evaluation.model.deals:,} deals"
    draw_regret(folder / REGRET, evaluation.players, title)
    draw_calibration(folder / CALIBRATION, evaluation, title)
    (folder / EVALUATION).write_text(evaluation.model_dump_json(indent=1))


def read_evaluation(evaluation: Reference) -> "Evaluation":
    """What `evaluate` found."""
    from forge_core.learn.evaluation import Evaluation

    return Evaluation.model_validate_json((store().path(evaluation) / EVALUATION).read_bytes())
